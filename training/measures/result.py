"""One row of the evaluation's table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A measured number beside the bar it should clear."""

    measure: str
    value: float
    bar: float | None
    samples: int
    unit: str = ""
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value reaches the bar; a number that is only told holds always."""
        return self.bar is None or self.value >= self.bar


def share(hits: list[bool]) -> float:
    """How many of the cases hold, in percent."""
    return 100 * sum(hits) / max(1, len(hits))
