"""A file's state when opened, and whether it is unchanged.

What is mapped into memory is read when it is needed: a file written over in place would be seen half old and half new,
and touching what a shorter file has no longer ends the process (SIGBUS, mmap(2)); `leases` keeps writers off meanwhile.
The time of the last change of the inode cannot be set by hand, so a file with the size and the date of another one is
told, too; Windows, where that is the time of creation, tells it by size and date alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from lora_mixer.errors import ChangedFileError

AGAIN = "Wait until it is written, then ask again."


class Seal(NamedTuple):
    """A file's state: path, size, times, inode."""

    path: Path
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @property
    def holds(self) -> bool:
        """Whether the file is unchanged."""
        return sealed(self.path) == self

    def check(self) -> None:
        """Raise if the file has changed.

        Raises:
            ChangedFileError: It was written, replaced or deleted.
        """
        now = sealed(self.path)
        if now == self:
            return
        if now is None:
            what = "the file is gone since it was opened"
        elif now.size < self.size:
            what = f"the file shrank since it was opened, from {self.size:,} to {now.size:,} bytes"
        else:
            what = "the file changed since it was opened"
        raise ChangedFileError(what, where=str(self.path), remedy=AGAIN)


def sealed(path: Path) -> Seal | None:
    """Return a file's current state; None if it is missing."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return Seal(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
