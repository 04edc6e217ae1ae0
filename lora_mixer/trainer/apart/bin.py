"""The bin of trainings: a folder beside them, from which each goes back under its name, or for good after a month."""

from __future__ import annotations

import itertools
import shutil
import time
from contextlib import suppress
from pathlib import Path

from lora_mixer.errors import FileError, RequestError
from lora_mixer.images import make_folder
from lora_mixer.trainer.apart.place import TrainingPlace

BIN = ".bin"
DAYS_IN_BIN = 30


def throw_away(root: Path, place: TrainingPlace) -> str:
    """Put a training into the bin, in a numbered folder of its own; return the number.

    Raises:
        FileError: It cannot be moved.
    """
    _empty_of_old(root)
    place_in_bin = next(folder for number in itertools.count(1) if not (folder := root / BIN / str(number)).exists())
    _moved(place.folder, make_folder(place_in_bin) / place.name)
    return place_in_bin.name


def restore(root: Path, number: str) -> TrainingPlace:
    """Take a training out of the bin.

    Raises:
        RequestError: It is not there, or there is a training of its name by now.
        FileError: It cannot be moved.
    """
    place_in_bin = root / BIN / number
    binned = next(place_in_bin.iterdir(), None) if number.isdecimal() and place_in_bin.is_dir() else None
    if binned is None:
        raise RequestError("it is in the bin no longer")
    place = TrainingPlace(root / binned.name)
    if place.folder.exists():
        raise RequestError(f"there is a training called {place.name} already", remedy="Delete that one first.")
    _moved(binned, place.folder)
    with suppress(OSError):
        place_in_bin.rmdir()
    return place


def _moved(source: Path, target: Path) -> None:
    try:
        source.rename(target)
    except OSError as error:
        raise FileError(
            f"the training cannot be moved ({error.strerror})", where=source.name, remedy="Check the folder."
        ) from error


def _empty_of_old(root: Path) -> None:
    long_ago = time.time() - DAYS_IN_BIN * 24 * 3600
    with suppress(OSError):
        for folder in (root / BIN).iterdir():
            if folder.stat().st_mtime < long_ago:  # since when it has been there
                shutil.rmtree(folder, ignore_errors=True)
