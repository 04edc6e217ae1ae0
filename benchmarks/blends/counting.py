"""What counted pictures say: rates with their intervals, and whether one way beats another on the same pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

Z = 1.96
"""Two-sided 95 %."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many.

    >>> str(Rate(85, 100))
    '85 % (77 to 91)'
    """

    hits: int
    count: int

    @property
    def percent(self) -> float:
        """The share that was seen; of nothing, 0."""
        return 100 * self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the share in percent (Wilson 1927)."""
        if not self.count:
            return 0.0, 100.0
        share, spread = self.hits / self.count, Z * Z / self.count
        middle = share + spread / 2
        reach = Z * math.sqrt(share * (1 - share) / self.count + spread / (4 * self.count))
        low, high = (middle - reach) / (1 + spread), (middle + reach) / (1 + spread)
        return 100 * max(low, 0.0), 100 * min(high, 1.0)

    def __str__(self) -> str:
        """Return it as a cell of a table."""
        low, high = self.interval
        return f"{self.percent:.0f} % ({low:.0f} to {high:.0f})"


def rate(flags: Sequence[bool]) -> Rate:
    """Return how many of some flags are set."""
    return Rate(sum(flags), len(flags))


def paired(ours: Sequence[bool], theirs: Sequence[bool]) -> float:
    """Return by how many deviations one way is ahead of another on the same pictures (McNemar 1947); 0 where they are equal.

    >>> round(paired([True] * 9, [False] * 9), 1), paired([True], [True])
    (3.0, 0.0)
    """
    ahead = sum(a and not b for a, b in zip(ours, theirs, strict=True))
    behind = sum(b and not a for a, b in zip(ours, theirs, strict=True))
    return (ahead - behind) / math.sqrt(ahead + behind) if ahead != behind else 0.0


def differs(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return by how many standard errors our values are above theirs on the same pictures, on average; 0 where all are equal.

    >>> round(differs([1.0, 2.0, 4.0], [0.0, 1.0, 2.0]), 1), differs([2.0], [1.0]), differs([1.0], [1.0])
    (4.0, inf, 0.0)
    """
    by = [a - b for a, b in zip(ours, theirs, strict=True)]
    middle = fmean(by)
    error = stdev(by) / math.sqrt(len(by)) if len(by) > 1 else 0.0
    return 0.0 if middle == 0.0 else middle / error if error else math.copysign(math.inf, middle)
