"""Pictures of other sizes than square, put together from encoded looks: two subjects beside each other, one on wide paper.

Everything happens in latents: looks on white paper are laid side by side or on latents of empty white paper. So a canvas
costs nothing to make, and any two subjects can meet.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from torch import Tensor

SIZES = ((16, 32), (16, 24), (24, 16))
"""Heights and widths of canvases in latent cells; two subjects stand on the first."""

PAIR_SHARE = 0.8
"""Share of canvases that show two subjects."""

PAIRS = (
    "{0} on the left, {1} on the right",
    "a {0} on the left, a {1} on the right",
    "left: {0}, right: {1}",
    "{0} and {1}",
    "a {0} and a {1}",
    "{0} beside {1}",
    "two things, {0} left, {1} right",
    "{1} on the right, {0} on the left",
    "{0}, {1}",
)
"""What a pair is called: the left subject first."""


def pair_caption(left: str, right: str, rng: random.Random) -> str:
    """Say which subject stands on which side; sides are named more often than not.

    >>> pair_caption("cat", "red rocket", random.Random(5))
    'a cat on the left, a red rocket on the right'
    """
    weights = [4 if "left" in template else 1 for template in PAIRS]
    phrase = rng.choices(PAIRS, weights)[0].format(left, right)
    return f"{phrase}, white background" if rng.random() < 0.15 else phrase


def side_by_side(left: Tensor, right: Tensor) -> Tensor:
    """Lay latents (C, H, W) of two pictures beside each other: (C, H, 2 W)."""
    return torch.cat([left, right], -1)


def on_paper(latents: Tensor, paper: Tensor, size: tuple[int, int], rng: random.Random) -> Tensor:
    """Lay latents (C, H, W) somewhere near the middle of empty paper, which is one cell (C,)."""
    height, width = latents.shape[-2:]
    canvas = paper[:, None, None].expand(-1, *size).clone()
    top, left = (_near_middle(room - edge, rng) for room, edge in zip(size, (height, width), strict=True))
    canvas[:, top : top + height, left : left + width] = latents
    return canvas


def _near_middle(room: int, rng: random.Random) -> int:
    return min(room, max(0, room // 2 + rng.choice((-1, 0, 0, 1)))) if room else 0


def strings() -> Sequence[str]:
    """Strings that hold every word of the pairs' captions."""
    return [template.format("thing", "thing") for template in PAIRS]
