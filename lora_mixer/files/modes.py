"""Give files written under temporary names the permissions of the umask."""

from __future__ import annotations

import os
from pathlib import Path


def share_by_umask(path: Path) -> None:
    """Give a file, or every file of a folder, the permissions a new file has; libraries write theirs for the owner only.

    Raises:
        OSError: They cannot be changed.
    """
    mask = _umask()
    for file in (path,) if path.is_file() else path.rglob("*"):
        file.chmod((0o777 if file.is_dir() else 0o666) & ~mask)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
