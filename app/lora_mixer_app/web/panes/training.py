"""What the train tab asks: trainings of somebody's, their pictures and captions, how far they are, and what they made."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lora_mixer.catalog import Library
from lora_mixer.errors import FileError, LoraMixerError, MissingFileError, RequestError
from lora_mixer.images import make_folder
from lora_mixer.trainer.apart import TrainingAsked, TrainingPlace, Trainings, TrainingStatus
from lora_mixer.trainer.apart.bin import restore
from lora_mixer.trainer.apart.trainings import wrong_settings
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer_app.serving.owners import folder_of
from lora_mixer_app.web.error_i18n import error_text, line_text
from lora_mixer_app.web.notices import without_folders
from lora_mixer_app.web.panes.library import LibraryPane
from lora_mixer_app.web.state import AppState

if TYPE_CHECKING:
    from lora_mixer_app.web.panes.questions import Panes

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
SLIDER_STRENGTHS = [-1, -0.5, 0, 0.5, 1]
"""Of a slider's samples."""


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
            "left_out": [[path.name, without_folders(line_text(why, language))] for path, why in data.left_out.items()],
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
        settings, wrong = _settings(sent.get("settings")), dict[str, LoraMixerError]()
        beside = settings.pop("beside", "")
        try:
            mixes = mixes_of(str(beside), self._state.loras.library)
        except LoraMixerError as error:
            wrong["beside"] = error
        else:
            if mixes and "samples" not in settings:
                wrong["beside"] = RequestError("there is no sample prompt", remedy="Write one.")
            elif mixes:
                settings["samples"]["beside"] = mixes
        wrong |= wrong_settings(settings)
        model = sent.get("model") or None
        if model is not None and model not in self._state.mixer.models_file.models:
            wrong["model"] = RequestError(f"there is no model called {model!r} in models.toml")
        folder = _text(sent, "folder") or None
        if folder is not None and not near:
            wrong["folder"] = RequestError("folders are named at this machine only", remedy="Send the pictures.")
        elif folder is not None and not Path(folder).expanduser().is_dir():
            wrong["folder"] = RequestError("there is no such folder on this machine")
        if wrong:
            return {"wrong": {name: without_folders(error_text(error, language)) for name, error in wrong.items()}}
        asked = TrainingAsked(
            model=model,
            models_file=str(self._state.mixer.models_file.path),
            settings=settings,
            pictures=None if folder is None else str(Path(folder).expanduser().absolute()),
        )
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
        "message": without_folders(line_text(status.message, language)),
        "notes": [without_folders(line_text(note, language)) for note in status.notes],
        "resumes": place.has_state and status.state != "finished",
        "made": place.output.is_file(),
    }


def _settings(sent: object) -> dict[str, Any]:
    """Return settings as they were sent, those without a value left at their defaults."""
    given = sent if isinstance(sent, Mapping) else {}
    found = {str(name): value for name, value in given.items() if value not in (None, "")}
    prompt = found.pop("sample", None)
    if prompt:
        found["samples"] = {"prompts": [str(prompt)]}
        if "slider" in found:
            found["samples"]["strengths"] = SLIDER_STRENGTHS
    return found


def mixes_of(text: str, library: Library) -> list[dict[str, float]]:
    """Return the mixes that samples are painted beside: parted by commas, the LoRAs of one by pluses.

    Raises:
        RequestError, AdapterError: A strength is no number, or there is no such LoRA.
    """
    mixes = []
    for mix in filter(str.strip, text.split(",")):
        uses: dict[str, float] = {}
        for use in mix.split("+"):
            name, colon, strength = use.strip().rpartition(":")
            entry = library.find(name.strip() if colon else use.strip(), paths=False)
            uses[entry.name] = _number(strength) if colon else 1.0
        mixes.append(uses)
    return mixes


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RequestError(f"{text.strip()!r} is no number", remedy="Write night_sky:0.7, or a name alone.")
    return number


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


def _text(sent: Mapping[str, Any], key: str) -> str:
    value = sent.get(key)
    if value is not None and not isinstance(value, str):
        raise RequestError(f"{key} is no text", remedy="Load the page anew.")
    return value or ""


def require_trusted(who: str, *, near: bool) -> str:
    """Return whose trainings are meant.

    Raises:
        RequestError: Somebody elsewhere, who has not logged in.
    """
    if not who and not near:
        raise RequestError(
            "LoRAs are trained at this machine, or after a login only", remedy="Ask for a login (--auth)."
        )
    return who


def _asker(who: str, sent: Mapping[str, Any]) -> str:
    return require_trusted(who, near=bool(sent.get("near")))


TRAINING_QUESTIONS: Mapping[str, Callable[[Panes, str, Mapping[str, Any]], Any]] = MappingProxyType(
    {
        "trainings": lambda panes, who, sent: panes.training.listing(
            owner=_asker(who, sent), language=_text(sent, "language")
        ),
        "training": lambda panes, who, sent: panes.training.details(
            _text(sent, "name"), owner=_asker(who, sent), language=_text(sent, "language")
        ),
        "training-make": lambda panes, who, sent: panes.training.make(
            _text(sent, "name").strip(), owner=_asker(who, sent)
        ),
        "training-caption": lambda panes, who, sent: panes.training.caption(
            _text(sent, "name"), _text(sent, "picture"), _text(sent, "text"), owner=_asker(who, sent)
        ),
        "training-begin": lambda panes, who, sent: panes.training.begin(
            _text(sent, "name"),
            sent,
            owner=_asker(who, sent),
            near=bool(sent.get("near")),
            language=_text(sent, "language"),
        ),
        "training-throw-away": lambda panes, who, sent: panes.training.throw_away(
            _text(sent, "name"), owner=_asker(who, sent)
        ),
        "training-restore": lambda panes, who, sent: panes.training.restore(
            _text(sent, "number"), owner=_asker(who, sent)
        ),
        "training-stop": lambda panes, who, sent: panes.training.stop(_text(sent, "name"), owner=_asker(who, sent)),
        "training-to-desk": lambda panes, who, sent: panes.training.to_desk(
            _text(sent, "name"), owner=_asker(who, sent)
        ),
    }
)
"""The door says `near`, whether somebody sits at this machine, and `language`."""

TRAINING_FILES: Mapping[str, Callable[..., Path]] = MappingProxyType(
    {
        "training-picture": TrainingPane.picture,
        "training-sample": TrainingPane.sample,
        "training-lora": TrainingPane.lora,
    }
)
