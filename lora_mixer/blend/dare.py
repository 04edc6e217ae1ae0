"""DARE: drop and rescale (Yu et al. 2023, arXiv:2311.03099, section 3.2, eq. 3).

With D_t the change of adapter t, s_t its strength and m_t ~ Bernoulli(p) for each of its numbers:

    D^_t = (1 - m_t) * D_t / (1 - p)
    W    = W0 + sum_t s_t D^_t

Each D^_t is D_t on average, and of two changes fewer numbers meet. p is `drop`. The paper drops 90 % and more of language
models' changes; those of LoRAs are dense products of thin factors, and half of them is what is dropped here.

m_t is drawn on the CPU from a generator seeded by the adapter's digest and the parameter's name: the same mix gives the
same bits in every render, and an adapter keeps the same numbers whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lora_mixer.blend.dense import ParameterChange


def resolve(parts: Sequence[ParameterChange], numbers: Mapping[str, float]) -> Tensor:
    """Return sum_t s_t D^_t for the changes of one parameter, each in the parameter's shape."""
    drop = numbers["drop"]
    total = torch.zeros_like(parts[0].change)
    for part in parts:
        total.add_(thinned(part.change, drop, part.seed), alpha=part.strength)
    return total


def thinned(change: Tensor, drop: float, seed: int) -> Tensor:
    """Return a change with a share of its numbers 0 and the others larger by 1 / (1 - share)."""
    rng = torch.Generator().manual_seed(seed)
    dropped = (torch.rand(change.shape, generator=rng) < drop).to(change.device)
    return change.masked_fill(dropped, 0).div_(1 - drop)
