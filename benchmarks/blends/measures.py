"""What is measured of the pictures: looks seen, the subject kept, colours burnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.styles import luminance

FALSE_ALARM = 0.95
"""A look counts as seen above this quantile of pictures made without any LoRA."""


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
class Scores:
    """What the pictures of one case show.

    Attributes:
        each: Share of pictures that show a look, by look.
        every: Share that shows all of them.
        subject: Share whose subject is among the ten nearest in these looks.
        burn: How far colours are from the base's, in deviations of the base, on average.
    """

    each: Mapping[str, float]
    every: float
    subject: float
    burn: float


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


def burn(pictures: Tensor, base: Floors) -> float:
    """Return how far pictures' colours are from the base's, as the root of the mean squared deviation."""
    away = (statistics(pictures) - base.mean) / base.spread
    return float(away.square().mean(1).sqrt().mean())


def scores(
    pictures: Tensor, amounts: Tensor, names: Sequence[str], looks: Sequence[str], places: Sequence[int], base: Floors
) -> Scores:
    """Return what pictures of a case show.

    Args:
        pictures: They, (N, 3, H, W).
        amounts: The detector's amounts, (N, looks).
        names: The columns of `amounts`.
        looks: The looks that were asked for.
        places: The rank of each picture's own subject.
        base: What the base's pictures say.
    """
    seen = torch.stack([amounts[:, list(names).index(look)] > base.scores[look] for look in looks])
    return Scores(
        each={look: _share(row) for look, row in zip(looks, seen, strict=True)},
        every=_share(seen.all(0)),
        subject=_share(torch.tensor([place <= 10 for place in places])),
        burn=burn(pictures, base),
    )


def _share(hits: Tensor) -> float:
    return 100 * float(hits.float().mean())
