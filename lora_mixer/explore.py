"""Mixes nobody has thought of: drawn by a seed within limits, and proposed by what a person picks.

What a person likes is a function f of the strengths x, of which only is known which of two mixes was picked. It is guessed by a
Gaussian process over x with a logistic likelihood, by Laplace's approximation (Chu and Ghahramani 2005, "Preference learning
with Gaussian processes", section 2; Rasmussen and Williams 2006, algorithm 3.1):

    p(x_a picked, not x_b) = 1 / (1 + exp(-(f(x_a) - f(x_b)) / NOISE))        f ~ GP(0, exp(-|x - x'|^2 / (2 LENGTH^2)))

What is proposed is the best that is known, and beside it what may be better still: the highest mean plus CURIOUS deviations
(Brochu et al. 2007, "Active preference learning with discrete choice data").
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lora_mixer.errors import BrokenFileError, RequestError
from lora_mixer.mixes import MAX_STRENGTH, Mix

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.floating]

NOISE, LENGTH, CURIOUS = 0.3, 0.35, 1.5
CANDIDATES, ROUNDS = 400, 30
DIGITS = 2

Strengths = Mapping[str, float]


class StrengthRange(NamedTuple):
    """The least and the greatest strength that a LoRA may have."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """Of two mixes, the one that was picked and the one that was not."""

    picked: Strengths
    other: Strengths

    def to_json(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps({"picked": dict(self.picked), "other": dict(self.other)}, ensure_ascii=False)


def limits_of(given: Mapping[str, Sequence[float]]) -> dict[str, StrengthRange]:
    """Return the limits of LoRAs by name.

    Raises:
        RequestError: There is no LoRA, or limits are no two rising numbers of a usable size.
    """
    found = {name: StrengthRange(*map(float, pair)) for name, pair in given.items() if len(pair) == 2}
    wrong = [
        name
        for name in given
        if name not in found or not -MAX_STRENGTH <= found[name].low < found[name].high <= MAX_STRENGTH
    ]
    if wrong or not found:
        raise RequestError(
            f"{wrong[0]} has no limits" if wrong else "there is no LoRA to explore",
            where="explore",
            remedy="Give a least and a greatest strength for each LoRA, such as line_art=0..1.",
        )
    return found


def surprise(limits: Mapping[str, StrengthRange], seed: int, *, most: int = 3) -> Mix:
    """Return a mix drawn by a seed: some of the LoRAs, at most so many, each somewhere within its limits.

    The same seed gives the same mix on every machine, whatever order the LoRAs stand in.
    """
    rng = random.Random(seed)  # noqa: S311 no secret
    names = sorted(limits)
    chosen = rng.sample(names, rng.randint(1, max(1, min(most, len(names)))))
    return Mix({name: round(rng.uniform(*limits[name]), DIGITS) for name in sorted(chosen)})  # type: ignore[arg-type]


def propose(limits: Mapping[str, StrengthRange], picks: Sequence[Pick], seed: int = 0) -> tuple[Mix, Mix]:
    """Return two mixes to choose from: what is liked best so far, and what may be liked better.

    It is a function of its arguments: the same picks and the same seed propose the same.
    """
    names = sorted(limits)
    drawn = _drawn(names, limits, seed, len(picks))
    if not picks:
        return _mix(names, drawn[0]), _mix(names, drawn[1])
    import numpy as np

    points, wins = _points(names, picks)
    known, tried = _scaled(names, limits, points), _scaled(names, limits, drawn)
    best = int(np.argmax(_guess(known, wins, known)[0]))
    mean, deviation = _guess(known, wins, tried)
    hopes = mean + CURIOUS * deviation
    hopes[np.abs(tried - known[best]).max(1) < 0.05] = -math.inf  # two that look alike teach nothing
    return _mix(names, points[best]), _mix(names, drawn[int(np.argmax(hopes))])


def read_picks(lines: Iterable[str], *, where: str) -> tuple[Pick, ...]:
    """Return the picks of lines of JSON.

    Raises:
        BrokenFileError: A line is none.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = json.loads(line)
                found.append(Pick(picked=_strengths(row["picked"]), other=_strengths(row["other"])))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise BrokenFileError(
                    "this is no pick", where=f"{where}:{number}", remedy="Take the line out."
                ) from error
    return tuple(found)


def _strengths(given: Mapping[str, float]) -> dict[str, float]:
    return {str(name): float(value) for name, value in given.items()}


def _mix(names: Sequence[str], point: Sequence[float]) -> Mix:
    return Mix({name: float(value) for name, value in zip(names, point, strict=True)})  # type: ignore[arg-type]


def _drawn(names: Sequence[str], limits: Mapping[str, StrengthRange], seed: int, done: int) -> list[tuple[float, ...]]:
    rng = random.Random(f"{seed} {done}")  # noqa: S311 no secret
    return [tuple(round(rng.uniform(*limits[name]), DIGITS) for name in names) for _ in range(CANDIDATES)]


def _points(names: Sequence[str], picks: Sequence[Pick]) -> tuple[list[tuple[float, ...]], list[tuple[int, int]]]:
    """Return every mix that was seen, each once, and which won against which."""
    places: dict[tuple[float, ...], int] = {}
    wins = []
    for pick in picks:
        pair = [tuple(side.get(name, 0.0) for name in names) for side in (pick.picked, pick.other)]
        first, second = (places.setdefault(point, len(places)) for point in pair)
        wins.append((first, second))
    return list(places), wins


def _scaled(names: Sequence[str], limits: Mapping[str, StrengthRange], points: Sequence[Sequence[float]]) -> Numbers:
    """Return points in the unit cube of the limits, (n, LoRAs)."""
    import numpy as np

    low = np.array([limits[name].low for name in names])
    high = np.array([limits[name].high for name in names])
    scaled: Numbers = (np.array(points, dtype=float) - low) / (high - low)
    return scaled


def _guess(known: Numbers, wins: Sequence[tuple[int, int]], tried: Numbers) -> tuple[Numbers, Numbers]:
    """Return the mean and the deviation of f at some points, by Laplace's approximation."""
    import numpy as np

    kernel = _kernel(known, known) + 1e-6 * np.eye(len(known))
    f: Numbers = np.zeros(len(known))
    curve = np.zeros_like(kernel)
    slope = np.zeros_like(f)
    for _ in range(ROUNDS):
        slope, curve = np.zeros_like(f), np.zeros_like(kernel)
        for won, lost in wins:
            chance = 1 / (1 + np.exp(-(f[won] - f[lost]) / NOISE))
            pull, bend = (1 - chance) / NOISE, chance * (1 - chance) / NOISE**2
            slope[won] += pull
            slope[lost] -= pull
            for i, j, sign in ((won, won, 1), (lost, lost, 1), (won, lost, -1), (lost, won, -1)):
                curve[i, j] += sign * bend
        f = np.linalg.solve(np.eye(len(f)) + kernel @ curve, kernel @ (curve @ f + slope))
    across = _kernel(tried, known)
    inside = np.linalg.solve(np.eye(len(f)) + curve @ kernel, curve)
    mean = across @ slope
    variance = 1.0 - np.einsum("ij,jk,ik->i", across, inside, across)
    return mean, np.sqrt(np.clip(variance, 0.0, None))


def _kernel(left: Numbers, right: Numbers) -> Numbers:
    import numpy as np

    apart = ((left[:, None] - right[None]) ** 2).sum(-1)
    kernel: Numbers = np.exp(-apart / (2 * LENGTH**2))
    return kernel
