"""Pictures that people send to start from and to mask by: kept by their digests, so that a short name stands for each."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from lora_mixer.errors import BrokenFileError, MissingFileError
from lora_mixer.images import make_folder, write_whole
from lora_mixer.images.pixels import decode_input
from lora_mixer_app.serving.owners import folder_of

MOST_BYTES = 32 * 2**20
MOST_KEPT = 400
"""Pictures of one person; the ones that were not asked for longest go first. Finished renders keep copies of theirs."""
_ID = re.compile(r"[0-9a-f]{64}")


def is_sent(name: str) -> bool:
    """Return whether something is called as sent pictures are."""
    return _ID.fullmatch(name) is not None


class SentPicture(NamedTuple):
    """A picture that was taken in: its name, and its size in pixels once it is upright."""

    id: str
    width: int
    height: int


class InputStore:
    """Sent pictures in a folder.

    Args:
        folder: Where they are kept; those of somebody with a name in a folder of theirs below it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, data: bytes, *, owner: str = "") -> SentPicture:
        """Keep a picture's file as it is.

        Raises:
            BrokenFileError: It is no picture that can be read, or too large.
            FileError: It cannot be written.
        """
        if len(data) > MOST_BYTES:
            raise BrokenFileError(
                f"the picture has {len(data) / 2**20:.0f} MiB", remedy=f"Send one of at most {MOST_BYTES // 2**20} MiB."
            )
        width, height = decode_input(data, "the picture").size
        key = sha256(data).hexdigest()
        home = make_folder(folder_of(self.folder, owner))
        path = home / key
        if path.exists():
            path.touch()
        else:
            write_whole(path, lambda out: out.write(data))
            _forget_oldest(home)
        return SentPicture(key, width, height)

    def path(self, key: str, *, owner: str = "") -> Path:
        """Return where a picture is kept.

        Raises:
            MissingFileError: It is not, or no longer.
        """
        path = folder_of(self.folder, owner) / key
        if not is_sent(key) or not path.is_file():
            raise MissingFileError("the input picture is not here any more", remedy="Drop or choose it again.")
        with suppress(OSError):
            path.touch()
        return path


def _forget_oldest(home: Path) -> None:
    kept = [path for path in home.iterdir() if is_sent(path.name)]
    if len(kept) > MOST_KEPT:
        for path in sorted(kept, key=_age, reverse=True)[: len(kept) - MOST_KEPT]:
            path.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0
