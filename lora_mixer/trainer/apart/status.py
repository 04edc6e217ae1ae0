"""How far a training is: what its process writes, and what can be said when that process is no more."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Self

from lora_mixer.errors import BrokenFileError, ConfigError, FileError
from lora_mixer.ledger.lock import hold
from lora_mixer.trainer.apart.place import TrainingPlace

STATUS = "status.json"
UNDER_WAY = frozenset({"starting", "encoding", "training"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStatus:
    """How far a training is.

    Attributes:
        state: `new`, one of `UNDER_WAY`, `finished`, `stopped`, `failed`, or `ended`: its process is no more, and did not
            say why.
        step: How many steps are done.
        of: How many there are.
        epoch: From 1.
        loss: Of the last step.
        first: The step this process began at.
        seconds: How long this process has trained.
        encoded: How many pictures are encoded.
        pictures: How many there are.
        message: Why it failed.
        notes: What there is to know: files left out, and the like.
    """

    state: str = "new"
    step: int = 0
    of: int = 0
    epoch: int = 0
    loss: float = 0.0
    first: int = 0
    seconds: float = 0.0
    encoded: int = 0
    pictures: int = 0
    message: str = ""
    notes: tuple[str, ...] = ()

    @property
    def under_way(self) -> bool:
        """Whether its process works."""
        return self.state in UNDER_WAY

    @property
    def left(self) -> float | None:
        """Seconds it will take still, by how it went so far; None while nothing is known."""
        taken = self.step - self.first
        return self.seconds / taken * (self.of - self.step) if taken > 0 and self.state == "training" else None

    @classmethod
    def of_place(cls, place: TrainingPlace, *, started: bool = False) -> Self:
        """Return how far a training is.

        Args:
            place: The training.
            started: Whether its process was started by us and lives, though it may not hold its folder yet.
        """
        told = cls.written(place)
        if told.under_way and not started and not is_held(place):
            return replace(told, state="ended")
        return told

    @classmethod
    def written(cls, place: TrainingPlace) -> Self:
        """Return what the process wrote last."""
        try:
            table = place.read(STATUS)
            known = {field.name: table[field.name] for field in fields(cls) if field.name in table}
            return cls(**known | {"notes": tuple(known.get("notes", ()))})
        except (BrokenFileError, TypeError):
            return cls()

    def write(self, place: TrainingPlace) -> None:
        """Write it for whoever looks.

        Raises:
            FileError: It cannot be written.
        """
        place.write(STATUS, asdict(self))


def is_held(place: TrainingPlace) -> bool:
    """Return whether a process works in a training's folder."""
    try:
        with hold(place.folder, lambda _sentence: None):
            return False
    except (ConfigError, FileError):
        return True
