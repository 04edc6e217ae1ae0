"""Numbered folders for unnamed runs: `0001-prompts`, `0002-red-heart`."""

from __future__ import annotations

import re
from pathlib import Path

from lora_mixer.errors import FileError, MissingFileError
from lora_mixer.ledger.plan_file import PLAN

LONGEST = 40
_NUMBERED = re.compile(r"(\d{4,})-(.*)", re.DOTALL)


def new_folder(root: Path, name: str) -> Path:
    """Make the next folder of a run.

    Raises:
        FileError: It cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        while True:
            folder = next_folder(root, name)
            try:
                folder.mkdir()
            except FileExistsError:  # another run was faster
                continue
            return folder
    except OSError as error:
        raise FileError(
            f"no folder can be made there: {error.strerror or error}",
            where=str(root),
            remedy="Name another folder with --output.",
        ) from error


def next_folder(root: Path, name: str) -> Path:
    """Return the folder of the next run, without making it."""
    numbers = [number for number, _, _ in _folders(root)]
    return root / f"{max(numbers, default=0) + 1:04}-{short(name)}"


def last_folder(root: Path, name: str) -> Path:
    """Return the folder of the latest run of a name; an unnumbered one, as older versions made, counts as the first.

    Raises:
        MissingFileError: There is none.
    """
    found = [(number, folder) for number, called, folder in _folders(root) if called == short(name)]
    if found:
        return max(found)[1]
    if (root / PLAN).is_file():
        return root
    raise MissingFileError(
        f"there is no run of {short(name)} to resume",
        where=str(root),
        remedy="Leave out --resume to start one, or name its folder with --output.",
    )


def numbered_folders(root: Path) -> list[Path]:
    """Return the folders of runs, the oldest first."""
    return [folder for _, _, folder in sorted(_folders(root))]


def short(name: str) -> str:
    """Return a name in a form that suits a folder.

    >>> short("red heart <lora:line_art:0.8>")
    'red-heart-lora-line_art-0-8'
    """
    return re.sub(r"[^\w]+", "-", name)[:LONGEST].strip("-").lower() or "pictures"


def _folders(root: Path) -> list[tuple[int, str, Path]]:
    try:
        there = [path for path in root.iterdir() if path.is_dir()]
    except OSError:
        return []
    found = ((_NUMBERED.fullmatch(path.name), path) for path in there)
    return [(int(match[1]), match[2], path) for match, path in found if match]
