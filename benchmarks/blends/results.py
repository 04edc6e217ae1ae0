"""What all pictures of an evaluation show, way by way, as numbers of the table and as plain values of a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean

from benchmarks.blends.cases import PLACES, SUM, WAYS
from benchmarks.blends.counting import Rate, Z, differs, paired, rate
from benchmarks.blends.measures import Placed, Seen, as_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a way's pictures show, in an order that all ways share, and the processor time of one."""

    pictures: Sequence[Seen]
    seconds: float

    @property
    def every(self) -> Rate:
        """How many show all looks."""
        return rate([one.every for one in self.pictures])

    @property
    def least(self) -> float:
        """The share of pictures in percent that show the look that is seen least, averaged over cases of one size."""
        sizes = {len(one.looks) for one in self.pictures}
        by_size = {size: [one.looks for one in self.pictures if len(one.looks) == size] for size in sizes}
        each = [min(100 * mean(column) for column in zip(*rows, strict=True)) for rows in by_size.values()]
        return mean(each)

    @property
    def subject(self) -> Rate:
        """How many show their subject."""
        return rate([one.subject for one in self.pictures])

    @property
    def burn(self) -> float:
        """How far colours are from the base's, on average."""
        return mean(one.burn for one in self.pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedShown:
    """What a way's canvases of two subjects show, and the processor time of one."""

    canvases: Sequence[Placed]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All of an evaluation.

    Attributes:
        ways: By way, the sum among them.
        alone: What single LoRAs show.
        places: By way of giving each subject its LoRA.
        costs: Ratios of processor time: what is measured, against what, and the ratio.
    """

    ways: Mapping[str, Shown]
    alone: Shown
    places: Mapping[str, PlacedShown]
    costs: Sequence[tuple[str, str, float]] = field(default=())

    def plain(self) -> dict[str, object]:
        """Return it as plain values for JSON."""
        return {
            "ways": {
                name: {"seconds": one.seconds, "pictures": as_table(one.pictures)} for name, one in self.ways.items()
            },
            "alone": {"seconds": self.alone.seconds, "pictures": as_table(self.alone.pictures)},
            "places": {
                name: {"seconds": one.seconds, "canvases": as_table(one.canvases)} for name, one in self.places.items()
            },
            "costs": [list(one) for one in self.costs],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """A way against the sum, on the same pictures: deviations by which it is ahead, and by which it burns more."""

    looks: float
    subjects: float
    burn: float

    @property
    def beats(self) -> bool:
        """Whether it is ahead in looks or subjects, and behind in neither nor in colours."""
        ahead = max(self.looks, self.subjects) >= Z
        return ahead and min(self.looks, self.subjects) > -Z and self.burn < Z


def against(way: Shown, plain: Shown) -> Against:
    """Return a way against the sum."""
    return Against(
        looks=paired([one.every for one in way.pictures], [one.every for one in plain.pictures]),
        subjects=paired([one.subject for one in way.pictures], [one.subject for one in plain.pictures]),
        burn=differs([one.burn for one in way.pictures], [one.burn for one in plain.pictures]),
    )


def winners(results: Results) -> list[str]:
    """Return the methods that beat the sum with some of their numbers; all others are experimental."""
    plain = results.ways[SUM]
    found = {
        way.method
        for way in WAYS
        if way.method and way.name in results.ways and against(results.ways[way.name], plain).beats
    }
    return sorted(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One thing that was promised, and what was measured; `kept` is None where the promise's condition does not hold."""

    promise: str
    figure: str
    kept: bool | None


def bars(results: Results) -> list[Bar]:
    """Return every promise about blending with its figure."""
    right = {name: rate([one.right for one in results.places[name].canvases]) for name in PLACES}
    plain, alone = results.ways[SUM], results.alone
    found = [
        Bar(
            promise="two subjects with a LoRA each, in regions: the right look on the right one in 85 % at least",
            figure=f"{right['regions']}; the sum {right[SUM]}",
            kept=right["regions"].percent >= 85,
        ),
        Bar(
            promise="places that are found are within 10 points of those that are given",
            figure=f"{right['auto places']} against {right['regions']}",
            kept=right["auto places"].percent >= right["regions"].percent - 10,
        ),
    ]
    for name in (way for way in results.ways if way.startswith("balance")):
        way = results.ways[name]
        found.append(
            Bar(
                promise=f"{name}: all looks are seen in 95 % at least, where the sum gives fewer",
                figure=f"{way.every}; the sum {plain.every}",
                kept=None if plain.every.percent >= 95 > way.every.percent else way.every.percent >= 95,
            )
        )
        found.append(
            Bar(
                promise=f"{name}: colours burn no more than under one LoRA alone",
                figure=f"{way.burn:.2f} against {alone.burn:.2f}; the sum {plain.burn:.2f}",
                kept=way.burn <= alone.burn + 0.005,
            )
        )
    for what, base, ratio in results.costs:
        bar = 1.03 if "masked" in what else math.inf
        promise = f"{what} against {base}" + (": less than 3 % more" if bar < math.inf else ", for the record")
        found.append(Bar(promise=promise, figure=f"{ratio:.2f}", kept=ratio < bar))
    return found
