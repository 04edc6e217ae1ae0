"""Whose files are whose: each person's lie in a folder of theirs, which says so whatever else is lost."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote, unquote

_MARK = "@"


def folder_of(root: Path, owner: str) -> Path:
    """Return the folder of somebody's files below a root; without a name, the root itself.

    >>> folder_of(Path("pictures"), "ada/..").as_posix()
    'pictures/@ada%2F..'
    """
    return root / f"{_MARK}{quote(owner, safe=' ()+,-._')}" if owner else root


def owner_at(root: Path, path: Path) -> str:
    """Return whose a file below a root is; empty if it is nobody's.

    >>> owner_at(Path("/pictures"), Path("/pictures/@ada%2F../7.png"))
    'ada/..'
    """
    first, *below = path.relative_to(root).parts
    return unquote(first.removeprefix(_MARK)) if below and first.startswith(_MARK) else ""


def may_read(path: str | Path, user: str, *, own: Collection[Path], shared: Collection[Path]) -> bool | None:
    """Return whether somebody may read a file; None if it lies in none of the folders.

    Args:
        path: The file, as it was asked for.
        user: Who asks; empty where nobody is asked for a name.
        own: Folders in which each sees their own files only.
        shared: Folders in which everybody sees what belongs to nobody, and their own.
    """
    asked = Path(os.path.realpath(path))
    for roots, with_all in ((own, False), (shared, True)):
        for root in (Path(os.path.realpath(root)) for root in roots):
            if asked.is_relative_to(root):
                owner = owner_at(root, asked) if asked != root else ""
                return owner == user or (with_all and not owner)
    return None
