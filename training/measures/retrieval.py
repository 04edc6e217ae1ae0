"""Which real emoji is nearest to a generated picture?"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

GRID = 24
SHIFTS = (-1, 0, 1)


def fingerprint(pictures: Tensor) -> Tensor:
    """Small colour pictures (N, 3, 24, 24) without their common white: what likeness is measured on."""
    return 1 - F.interpolate(pictures, size=GRID, mode="area")


def distances(generated: Tensor, real: Tensor) -> Tensor:
    """Mean squared difference of every generated to every real picture, best of nine one-cell shifts: (N, M)."""
    a, b = fingerprint(generated), fingerprint(real).flatten(1)
    nearest = torch.full((len(a), len(b)), float("inf"))
    for dy in SHIFTS:
        for dx in SHIFTS:
            moved = a.roll((dy, dx), (2, 3)).flatten(1)
            nearest = torch.minimum(nearest, torch.cdist(moved, b).square() / b.shape[1])
    return nearest


def ranks(generated: Tensor, real: Tensor, wanted: list[int]) -> list[int]:
    """The rank (1 is best) of each generated picture's own subject among all real ones."""
    table = distances(generated, real)
    own = table[torch.arange(len(wanted)), torch.tensor(wanted)]
    return [int(rank) for rank in (table < own[:, None]).sum(1) + 1]
