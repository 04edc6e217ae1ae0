"""How far a run is, and what it left behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lora_mixer.errors import PartialRunError
from lora_mixer.ledger.failure import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is.

    Attributes:
        total: Pictures of the plan.
        done: Pictures on disk.
        failed: Jobs that failed.
        hand: How many pictures' worth of work the batch under way has behind it, where that is known.
        planned: Jobs that are known, while a plan is made; None when it is.
    """

    total: int
    done: int
    failed: int
    hand: float = 0.0
    planned: int | None = None

    @property
    def fraction(self) -> float:
        """How much of the run is done, 0..1."""
        return min(1.0, (self.done + self.failed + self.hand) / self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run left behind.

    Attributes:
        total: Pictures of the plan.
        found: Pictures that were there already.
        rendered: Pictures made now.
        failures: Jobs that failed, now or in an earlier run.
        manifest: The file with one line a picture.
        sheets: Pages of the labelled sheet.
        seconds: Wall-clock time.
    """

    total: int
    found: int
    rendered: int
    failures: tuple[Failure, ...]
    manifest: Path
    sheets: tuple[Path, ...]
    seconds: float

    def check(self) -> None:
        """Raise if pictures are missing.

        Raises:
            PartialRunError: Some are there.
            LoraMixerError: None is there; the first job's reason.
        """
        if not self.failures:
            return
        if not self.found + self.rendered:
            raise self.failures[0].raised()
        raise PartialRunError(
            f"{len(self.failures)} of {self.total} pictures could not be made, the others are there",
            where=str(self.manifest.parent),
            remedy="Mend what is listed above and run the same command again; --retry-failed tries what failed midway.",
        )
