"""How strongly a LoRA acts over the course of sampling."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from lora_mixer.fieldtypes import FIELD_TYPES, listed, wrong_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A factor over the course of sampling: straight lines between points, flat outside them.

    Attributes:
        points: (position, factor) pairs with rising positions; a position is a fraction of the steps in 0..1.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Take lists where tuples are meant; refuse what is no list of pairs."""
        points = tuple(map(_point, listed(self.points)))
        if None in points:
            raise wrong_type("Curve", "points", self.points, "pairs of position and factor", "points=[(0, 1), (1, 0)]")
        object.__setattr__(self, "points", points)

    def at(self, progress: float) -> float:
        """Return the factor at a fraction of the steps: straight lines between the points, flat outside them.

        >>> Curve(points=((0.0, 0.0), (0.5, 1.0))).at(0.25)
        0.5
        """
        if progress <= self.points[0][0]:
            return self.points[0][1]
        for (left, low), (right, high) in pairwise(self.points):
            if progress <= right:
                return low + (high - low) * (progress - left) / (right - left) if right > left else high
        return self.points[-1][1]


def _point(point: object) -> tuple[float, float] | None:
    pair = listed(point)
    return (pair[0], pair[1]) if len(pair) == 2 and all(map(FIELD_TYPES["float"].accepts, pair)) else None
