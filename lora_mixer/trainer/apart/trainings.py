"""Trainings below a folder: begun, stopped, gone on with, and found again by any process that looks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lora_mixer.errors import FileError, RequestError
from lora_mixer.images import make_folder, write_whole
from lora_mixer.trainer.apart.bin import throw_away
from lora_mixer.trainer.apart.place import TrainingAsked, TrainingPlace, place_of, require_place
from lora_mixer.trainer.apart.status import TrainingStatus
from lora_mixer.trainer.caption_files import CAPTIONS
from lora_mixer.trainer.checks import check
from lora_mixer.trainer.dataset import PICTURES, Dataset, read_dataset
from lora_mixer.trainer.settings import TrainSettings

MOST_PICTURES = 2000
MOST_BYTES = 2 * 2**30
"""Of the pictures of one person's trainings together."""
LARGEST = 64 * 2**20
MOST_CAPTION = 8000
"""Letters."""


class Trainings:
    """Trainings that run in processes of their own, one at a time. Thread-safe.

    Args:
        most: How many run at once.
    """

    def __init__(self, *, most: int = 1) -> None:
        self._most = most
        self._processes: dict[Path, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def listed(self, root: Path) -> list[tuple[TrainingPlace, TrainingStatus]]:
        """Return the trainings below a folder, the newest first."""
        folders = sorted(_folders(root), key=lambda folder: folder.stat().st_mtime_ns, reverse=True)
        return [(place, self.status(place)) for place in map(TrainingPlace, folders)]

    def status(self, place: TrainingPlace) -> TrainingStatus:
        """Return how far a training is, whoever began it."""
        return TrainingStatus.of_place(place, started=self.works(place))

    def works(self, place: TrainingPlace) -> bool:
        """Return whether a process that was started here works on a training."""
        process = self._processes.get(place.folder)
        return process is not None and process.poll() is None

    def make(self, root: Path, name: str) -> TrainingPlace:
        """Return the place of a new training.

        Raises:
            RequestError: Nothing can be called so, or there is one of that name.
            FileError: It cannot be made.
        """
        place = place_of(root, name)
        taken = {folder.name.casefold() for folder in _folders(root)}
        if name.casefold() in taken:
            raise RequestError(f"there is a training called {name} already", remedy="Choose it, or use another name.")
        make_folder(place.sent)
        return place

    def take(self, root: Path, place: TrainingPlace, name: str, data: bytes) -> Path:
        """Keep a picture, a mask or a caption that was sent; nothing there is written over.

        Raises:
            RequestError: It is none, or there are too many.
            FileError: It cannot be written.
        """
        path = place.sent / _file_name(name)
        if path.exists():
            if path.read_bytes() == data:
                return path
            raise FileError(f"there is another {path.name} already, and it stays", remedy="Rename yours.")
        kept = [file.stat().st_size for file in root.glob("*/pictures/*") if file.is_file()]
        if len(data) > LARGEST or len(data) + sum(kept) > MOST_BYTES or len(kept) >= 2 * MOST_PICTURES:
            raise RequestError(
                f"no more pictures are taken: {len(kept)} files of {sum(kept) / 2**20:.0f} MiB are here",
                remedy="Train from a folder by the command line: lora-mixer train FOLDER.",
            )
        write_whole(make_folder(place.sent) / path.name, lambda out: out.write(data))
        return path

    def captioned(self, place: TrainingPlace, name: str, caption: str) -> None:
        """Write a picture's caption beside it.

        Raises:
            RequestError: There is no such picture, or the text is too long.
            FileError: It cannot be written.
        """
        found = {str(one.path.relative_to(place.pictures)): one for one in self.data(place).examples}
        if name not in found or len(caption) > MOST_CAPTION:
            raise RequestError("there is no such picture, or too long a caption", where=name[:80])
        text = " ".join(caption.split()).encode()
        write_whole(found[name].path.with_suffix(CAPTIONS[0]), lambda out: out.write(text))

    def data(self, place: TrainingPlace) -> Dataset:
        """Return a training's pictures; none at all is no error yet.

        Raises:
            FileError: The folder cannot be read.
        """
        try:
            return read_dataset(place.pictures)
        except FileError:
            if place.asked().pictures is not None:
                raise
            return Dataset(examples=(), left_out={})

    def begin(self, place: TrainingPlace, asked: TrainingAsked) -> None:
        """Begin a training, or go on with it.

        Raises:
            RequestError: A setting is impossible, it runs already, or as many run as may.
            FileError: There is nothing to learn from, or something cannot be written.
        """
        settings = TrainSettings().over(asked.settings)
        if settings.slider is None:
            check(Path(asked.pictures) if asked.pictures else place.sent, place.output, settings)
        else:
            settings.slider.check()
        with self._lock:
            self._require_turn(place)
            place.ask(asked)
            place.stop.unlink(missing_ok=True)
            TrainingStatus(state="starting", of=settings.steps).write(place)
            self._processes[place.folder] = _started(place)

    def stop(self, place: TrainingPlace) -> None:
        """Let a training end after the step it is in; its state is kept."""
        place.stop.touch()

    def throw_away(self, root: Path, place: TrainingPlace) -> str:
        """Put a training into the bin, with all that it made; return its number there.

        Raises:
            RequestError: It runs.
            FileError: It cannot be moved.
        """
        with self._lock:
            if self.status(place).under_way:
                raise RequestError(f"{place.name} runs", remedy="Stop it first.")
            self._processes.pop(place.folder, None)
            return throw_away(root, place)

    def find(self, root: Path, name: str) -> TrainingPlace:
        """Return the place of a training that is there.

        Raises:
            FileError: There is none of that name.
        """
        return require_place(root, name)

    def _require_turn(self, place: TrainingPlace) -> None:
        if self.status(place).under_way:
            raise RequestError(f"{place.name} runs already", remedy="Stop it first.")
        if sum(self.works(TrainingPlace(folder)) for folder in self._processes) >= self._most:
            raise RequestError("another training runs on this machine", remedy="Wait for it, or stop it.")


def wrong_settings(values: dict[str, Any]) -> dict[str, RequestError]:
    """Return what is wrong with settings, by their names.

    >>> str(wrong_settings({"rank": 0, "steps": 5})["rank"])
    'rank 0 is out of range. Use 1 to 1024.'
    """
    found = {}
    for name, value in values.items():
        try:
            slider = TrainSettings().over({name: value}).slider
            if slider is not None:
                slider.check()
        except RequestError as error:
            found[name] = error
    return found


def _folders(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from (path for path in root.iterdir() if path.is_dir() and not path.name.startswith(("@", ".")))


def _file_name(name: str) -> str:
    """Return what a sent file is called.

    Raises:
        RequestError: It is neither a picture nor a caption, or has no usable name.
    """
    plain = Path(name.replace("\\", "/")).name
    if plain.startswith(".") or len(plain.encode()) > 200 or any(ord(letter) < 32 for letter in plain):
        raise RequestError("a file cannot be called that", where=repr(name[:80]))
    if Path(plain).suffix.lower() not in PICTURES | set(CAPTIONS):
        raise RequestError(f"{plain} is neither a picture nor a caption", remedy="Send PNG, JPEG, WebP or .txt files.")
    return plain


def _started(place: TrainingPlace) -> subprocess.Popen[bytes]:
    """Start the process of a training, which goes on when this one ends."""
    apart: dict[str, Any] = (
        {"creationflags": 0x00000200} if os.name == "nt" else {"start_new_session": True}  # CREATE_NEW_PROCESS_GROUP
    )
    with place.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 our own module, and a folder of ours
            [sys.executable, "-m", "lora_mixer.trainer.apart.worker", str(place.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **apart,
        )
