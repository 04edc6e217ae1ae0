"""A training's folder: what is asked, its pictures, how far it is, and what it made."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lora_mixer.errors import BrokenFileError, FileError, RequestError
from lora_mixer.files import read_file
from lora_mixer.images import make_folder, write_whole

NAME = re.compile(r"[^\x00-\x1f\x7f/\\:*?\"<>|.\s][^\x00-\x1f\x7f/\\:*?\"<>|]{0,79}")
"""What a training may be called; its LoRA has the same name."""
_MOST_BYTES = 4 * 2**20
_MOST_POINTS = 300
"""Of a curve of losses: more than a plot shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingAsked:
    """What a training shall do, as plain values.

    Attributes:
        model: The model's name; None for the default of models.toml.
        models_file: Which models.toml.
        settings: The fields of `TrainSettings` that are not left at their defaults.
        pictures: A folder of the user's own; None for the pictures that were sent.
    """

    model: str | None = None
    models_file: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    pictures: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingPlace:
    """Where everything of a training lies.

    Attributes:
        folder: The training's own folder; its name is the training's.
    """

    folder: Path

    @property
    def name(self) -> str:
        """What the training and its LoRA are called."""
        return self.folder.name

    @property
    def output(self) -> Path:
        """The LoRA."""
        return self.folder / f"{self.name}.safetensors"

    @property
    def course(self) -> Path:
        """State, losses, latents and samples: as `lora_mixer.trainer.run_folder` names it."""
        return self.output.with_suffix(".training")

    @property
    def stop(self) -> Path:
        """While this is there, the training shall end after its step."""
        return self.folder / "stop"

    @property
    def log(self) -> Path:
        """What the process prints."""
        return self.folder / "log.txt"

    @property
    def pictures(self) -> Path:
        """The pictures that it learns from."""
        own = self.asked().pictures
        return self.sent if own is None else Path(own)

    @property
    def sent(self) -> Path:
        """The pictures that were sent."""
        return self.folder / "pictures"

    @property
    def has_state(self) -> bool:
        """Whether there is a state to go on from."""
        return (self.course / "state.pt").is_file()

    def is_stopped(self) -> bool:
        """Return whether the training shall end after its step."""
        return self.stop.exists()

    def asked(self) -> TrainingAsked:
        """Return what is asked; nothing yet of a training that was never begun.

        Raises:
            BrokenFileError: The file is damaged.
        """
        table = self.read("training.json")
        known = {name: table[name] for name in TrainingAsked.__dataclass_fields__ if name in table}
        return TrainingAsked(**known)

    def ask(self, asked: TrainingAsked) -> None:
        """Keep what is asked.

        Raises:
            FileError: It cannot be written.
        """
        self.write("training.json", asdict(asked))

    def read(self, name: str) -> dict[str, Any]:
        """Return the table of a JSON file; an empty one if it is not there.

        Raises:
            BrokenFileError: It is damaged.
        """
        path = self.folder / name
        if not path.is_file():
            return {}
        try:
            table = json.loads(read_file(path, at_most=_MOST_BYTES))
        except (ValueError, RecursionError):
            table = None
        if not isinstance(table, dict):
            raise BrokenFileError("it is no table", where=str(path), remedy="Delete the file.")
        return table

    def write(self, name: str, table: Mapping[str, Any]) -> None:
        """Write a JSON file in one rename.

        Raises:
            FileError: It cannot be written.
        """
        data = json.dumps(table, ensure_ascii=False).encode()
        write_whole(make_folder(self.folder) / name, lambda out: out.write(data))

    def losses(self) -> list[tuple[int, float, float | None]]:
        """Return some hundred rows (step, mean loss since the row before, validation) of the table of losses."""
        rows: list[tuple[int, float, float | None]] = []
        with suppress(OSError, ValueError, KeyError), (self.course / "losses.csv").open(encoding="utf-8") as file:
            rows.extend(map(_row, csv.DictReader(file)))
        width = -(-len(rows) // _MOST_POINTS) or 1
        return [_mean(rows[start : start + width]) for start in range(0, len(rows), width)]

    def samples(self) -> list[Path]:
        """Return the sheets of samples, the oldest first."""
        folder = self.course / "samples"
        return sorted(folder.glob("step-*.png")) if folder.is_dir() else []


def _row(row: Mapping[str, str]) -> tuple[int, float, float | None]:
    return int(row["step"]), float(row["loss"]), float(row["validation"]) if row["validation"] else None


def _mean(rows: list[tuple[int, float, float | None]]) -> tuple[int, float, float | None]:
    measured = [row[2] for row in rows if row[2] is not None]
    return rows[-1][0], sum(row[1] for row in rows) / len(rows), measured[-1] if measured else None


def place_of(root: Path, name: str) -> TrainingPlace:
    """Return the place of a training by its name.

    Raises:
        RequestError: Nothing can be called so.
    """
    if not NAME.fullmatch(name) or name != name.strip():
        raise RequestError(
            "a training cannot be called that",
            where=repr(name[:80]),
            remedy="Use up to 80 letters, digits, spaces, - and _.",
        )
    return TrainingPlace(root / name)


def require_place(root: Path, name: str) -> TrainingPlace:
    """Return the place of a training that is there.

    Raises:
        FileError: There is none of that name.
    """
    place = place_of(root, name)
    if not place.folder.is_dir():
        raise FileError("there is no such training", where=name, remedy="Load the page anew.")
    return place
