"""What is measured of the pictures: looks seen, and where; the subject kept; colours burnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from training.styles import luminance

FALSE_ALARM = 0.95
"""A look counts as seen above this quantile of pictures made without any LoRA."""
NEAREST = 10
"""A subject counts as kept if it is among so many nearest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """What the base's pictures say: above which score a look is there, and how their colours lie.

    Attributes:
        scores: By look.
        mean: Of the statistics of pictures, (3,).
        spread: Their deviation, (3,).
    """

    scores: Mapping[str, float]
    mean: Tensor
    spread: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one picture shows.

    Attributes:
        looks: Whether each look that was asked for is seen.
        subject: Whether its subject is among the nearest in these looks.
        burn: How far its colours are from the base's, in deviations of the base.
    """

    looks: tuple[bool, ...]
    subject: bool
    burn: float

    @property
    def every(self) -> bool:
        """Whether all looks are seen."""
        return all(self.looks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What the two halves of one picture show.

    Attributes:
        right: On each half its own look is seen, and more of it than of the other's.
        bleeds: On some half the other's look is seen.
        subjects: Both subjects are among the nearest, each on its half.
    """

    right: bool
    bleeds: bool
    subjects: bool


def statistics(pictures: Tensor) -> Tensor:
    """Return contrast, colourfulness and the share of burnt pixels of pictures (N, 3, H, W), as (N, 3).

    Burnt: a channel at an end of its range where the pixel is not white or black.
    """
    contrast = luminance(pictures).flatten(1).std(1)
    colour = pictures.amax(1) - pictures.amin(1)
    ends = ((pictures < 0.01) | (pictures > 0.99)).any(1) & (colour > 0.1)
    return torch.stack([contrast, colour.flatten(1).mean(1), ends.float().flatten(1).mean(1)], 1)


def floors(plain: Tensor, amounts: Tensor, names: Sequence[str]) -> Floors:
    """Return what pictures of the base (N, 3, H, W) say, with the detector's amounts (N, looks) of them."""
    lying = statistics(plain)
    return Floors(
        scores={name: float(amounts[:, k].quantile(FALSE_ALARM)) for k, name in enumerate(names)},
        mean=lying.mean(0),
        spread=lying.std(0).clamp_min(1e-4),
    )


def burns(pictures: Tensor, base: Floors) -> list[float]:
    """Return how far each picture's colours are from the base's, as the root of the mean squared deviation."""
    away = (statistics(pictures) - base.mean) / base.spread
    return [float(one) for one in away.square().mean(1).sqrt()]


def seen(
    pictures: Tensor, amounts: Tensor, names: Sequence[str], looks: Sequence[str], ranks: Sequence[int], base: Floors
) -> list[Seen]:
    """Return what each picture of a case shows.

    Args:
        pictures: They, (N, 3, H, W).
        amounts: The detector's amounts, (N, looks).
        names: The columns of `amounts`.
        looks: The looks that were asked for.
        ranks: The rank of each picture's own subject.
        base: What the base's pictures say.
    """
    columns = [list(names).index(look) for look in looks]
    there = torch.stack([amounts[:, k] > base.scores[names[k]] for k in columns], 1)
    return [
        Seen(looks=tuple(bool(one) for one in row), subject=rank <= NEAREST, burn=burn)
        for row, rank, burn in zip(there, ranks, burns(pictures, base), strict=True)
    ]


def placed(
    left: Tensor,
    right: Tensor,
    names: Sequence[str],
    looks: tuple[str, str],
    ranks: Sequence[tuple[int, int]],
    base: Floors,
) -> list[Placed]:
    """Return what the halves of each picture show.

    Args:
        left: The detector's amounts on left halves, (N, looks).
        right: Likewise.
        names: The columns.
        looks: The look of the left subject, and that of the right one.
        ranks: The rank of each half's own subject.
        base: What halves of the base's pictures say.
    """
    first, second = (list(names).index(look) for look in looks)
    found = []
    for a, b, (one, other) in zip(left, right, ranks, strict=True):
        halves = ((a[first], a[second], looks), (b[second], b[first], looks[::-1]))
        here = all(bool(own > base.scores[named[0]]) and bool(own > foreign) for own, foreign, named in halves)
        bleeds = any(bool(foreign > base.scores[named[1]]) for _, foreign, named in halves)
        found.append(Placed(right=here, bleeds=bleeds, subjects=max(one, other) <= NEAREST))
    return found


def as_table(shown: Sequence[Seen | Placed]) -> list[dict[str, object]]:
    """Return what pictures show as plain values."""
    return [asdict(one) for one in shown]
