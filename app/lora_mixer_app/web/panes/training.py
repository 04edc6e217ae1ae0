"""Trainings of somebody's on the page: their pictures and captions, how far they are, and what they made."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lora_mixer.errors import FileError, MissingFileError
from lora_mixer.images import make_folder
from lora_mixer.trainer.apart import TrainingAsked, TrainingPlace, Trainings, TrainingStatus
from lora_mixer.trainer.apart.bin import restore
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer_app.serving.owners import folder_of
from lora_mixer_app.web.error_i18n import error_text, line_text
from lora_mixer_app.web.panes.library import LibraryPane
from lora_mixer_app.web.panes.training_asked import read_asked
from lora_mixer_app.web.state import AppState

SHOWN = (
    "steps",
    "rank",
    "rate",
    "batch",
    "resolution",
    "trigger",
    "text_rate",
    "flip",
    "shuffle",
    "caption_dropout",
    "seed",
)
"""The settings that have a control of their own on the page."""


class TrainingPane:
    """Trainings on the page. Thread-safe.

    Args:
        state: What all pages share.
        library: Where finished LoRAs go.
        root: Where trainings are kept; those of somebody with a name in a folder of theirs below it.
    """

    def __init__(self, state: AppState, library: LibraryPane, root: Path) -> None:
        self._state, self._library, self._root = state, library, root
        self._trainings = Trainings()

    def listing(self, *, owner: str, language: str = "en") -> dict[str, Any]:
        """Return somebody's trainings, the models there are, and what the settings are at first."""
        models = self._state.mixer.models_file
        first = TrainSettings()
        return {
            "loras": [entry.name for entry in self._state.loras.library.entries],
            "trainings": [_row(place, status, language) for place, status in self._trainings.listed(self._home(owner))],
            "models": list(models.models),
            "model": self._state.first.name,
            "defaults": {name: getattr(first, name) for name in SHOWN},
        }

    def details(self, name: str, *, owner: str, language: str = "en") -> dict[str, Any]:
        """Return all that is to be seen of a training.

        Raises:
            FileError: There is none of that name, or its folder cannot be read.
        """
        place = self.place(name, owner)
        data, asked = self._trainings.data(place), place.asked()
        root = place.pictures
        return _row(place, self._trainings.status(place), language) | {
            "pictures": [
                {
                    "file": str(one.path.relative_to(root)),
                    "caption": one.caption,
                    "repeats": one.repeats,
                    "size": [one.width, one.height],
                    "mask": one.mask is not None,
                }
                for one in data.examples
            ],
            "left_out": [[path.name, line_text(why, language)] for path, why in data.left_out.items()],
            "losses": place.losses(),
            "samples": [path.name for path in place.samples()],
            "settings": dict(asked.settings),
            "model": asked.model,
            "folder": asked.pictures,
        }

    def make(self, name: str, *, owner: str) -> dict[str, Any]:
        """Make room for a new training.

        Raises:
            RequestError: It cannot be called so, or there is one of that name.
        """
        place = self._trainings.make(self._home(owner), name)
        return _row(place, TrainingStatus())

    def take(self, name: str, file: str, data: bytes, *, owner: str) -> None:
        """Keep a picture or a caption that was sent.

        Raises:
            RequestError, FileError: It is none, there is another of that name, or there are too many.
        """
        self._trainings.take(self._home(owner), self.place(name, owner), file, data)

    def caption(self, name: str, picture: str, text: str, *, owner: str) -> None:
        """Keep a picture's caption.

        Raises:
            RequestError, FileError: There is no such picture, or it cannot be written.
        """
        self._trainings.captioned(self.place(name, owner), picture, text)

    def begin(
        self, name: str, sent: Mapping[str, Any], *, owner: str, near: bool, language: str = "en"
    ) -> dict[str, Any]:
        """Begin a training or go on with it; return what is wrong with which setting, if something is.

        Raises:
            RequestError, FileError: It runs already, another does, or there is nothing to learn from.
        """
        asked = read_asked(sent, self._state, near=near)
        if not isinstance(asked, TrainingAsked):
            return {"wrong": {name: error_text(error, language) for name, error in asked.items()}}
        self._trainings.begin(self.place(name, owner), asked)
        return {"wrong": {}}

    def throw_away(self, name: str, *, owner: str) -> dict[str, Any]:
        """Put a training into the bin; return its number there.

        Raises:
            RequestError, FileError: It runs, or it cannot be moved.
        """
        return {"number": self._trainings.throw_away(self._home(owner), self.place(name, owner))}

    def restore(self, number: str, *, owner: str) -> dict[str, Any]:
        """Take a training out of the bin.

        Raises:
            RequestError, FileError: It is gone, its name is taken by now, or it cannot be moved.
        """
        return {"name": restore(self._home(owner), number).name}

    def stop(self, name: str, *, owner: str) -> None:
        """Let a training end after the step it is in."""
        self._trainings.stop(self.place(name, owner))

    def to_desk(self, name: str, *, owner: str) -> dict[str, Any]:
        """Put a finished LoRA, or the newest file of one under way, into the LoRA folder; return its name there.

        Raises:
            MissingFileError: There is no file yet.
            FileError: It cannot be written, or there is no folder for it.
        """
        place = self.place(name, owner)
        if not place.output.is_file():
            raise MissingFileError("it has made no LoRA yet", where=name, remedy="Let it come to its end.")
        folder = next(iter(self._library.places().values()), None)
        if folder is None:
            raise FileError(
                "there is no folder for LoRAs of one's own", remedy="Name one in models.toml, under folders."
            )
        path = _copied(place.output, make_folder(folder))
        preview = place.output.with_suffix(".preview.png")
        if preview.is_file() and not path.with_suffix(".preview.png").exists():
            shutil.copyfile(preview, path.with_suffix(".preview.png"))
        library = self._state.loras.library
        library.refresh()
        return {"name": library.find(path, paths=False).name}

    def picture(self, name: str, file: str, *, owner: str) -> Path:
        """Return a small copy of a picture.

        Raises:
            MissingFileError: There is none.
        """
        place = self.place(name, owner)
        path = _inside(place.pictures, file)
        return self._state.thumbs.of(path, name=path.name, owner=owner)

    def sample(self, name: str, file: str, *, owner: str) -> Path:
        """Return a sheet of samples.

        Raises:
            MissingFileError: There is none.
        """
        return _inside(self.place(name, owner).course / "samples", file)

    def lora(self, name: str, _file: str, *, owner: str) -> Path:
        """Return the finished file.

        Raises:
            MissingFileError: There is none.
        """
        place = self.place(name, owner)
        return _inside(place.folder, place.output.name)

    def _home(self, owner: str) -> Path:
        return folder_of(self._root, owner)

    def place(self, name: str, owner: str) -> TrainingPlace:
        """Return where a training of somebody's lies.

        Raises:
            FileError: There is none of that name.
        """
        return self._trainings.find(self._home(owner), name)


def _row(place: TrainingPlace, status: TrainingStatus, language: str = "en") -> dict[str, Any]:
    return {
        "name": place.name,
        "state": status.state,
        "under_way": status.under_way,
        "step": status.step,
        "of": status.of,
        "epoch": status.epoch,
        "loss": status.loss,
        "left": status.left,
        "encoded": status.encoded,
        "counted": status.pictures,
        "message": line_text(status.message, language),
        "notes": [line_text(note, language) for note in status.notes],
        "resumes": place.has_state and status.state != "finished",
        "made": place.output.is_file(),
    }


def _copied(source: Path, folder: Path) -> Path:
    """Copy a file into a folder under a name that is free, or return the same file that is there."""
    content = source.read_bytes()
    number = 1
    while True:
        target = folder / (source.name if number == 1 else f"{source.stem}-{number}{source.suffix}")
        if not target.exists():
            break
        if target.stat().st_size == len(content) and target.read_bytes() == content:
            return target
        number += 1
    part = folder / f".incoming-{target.name}.part"
    try:
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"the LoRA cannot be copied: {error.strerror}", remedy="Make room on the disk.") from error
    return target


def _inside(folder: Path, file: str) -> Path:
    path = folder / file
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise MissingFileError("there is no such file", where=file[:80], remedy="Load the page anew.")
    return path
