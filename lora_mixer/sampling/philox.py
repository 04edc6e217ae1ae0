"""The noise an NVIDIA card draws, computed on the CPU.

torch's CUDA generator is counter-based: Philox4x32 with ten rounds (Salmon et al., "Parallel Random Numbers: As Easy as
1, 2, 3", SC 2011, figure 3 and table 2) makes four words of 32 bits from a counter and a key, and Box and Muller's
transform ("A Note on the Generation of Random Normal Deviates", 1958) makes a normal number of two of them. Element i of
the n-th draw of a seed has the counter (n, 0, i, 0) and the key (low, high) of the seed; torch takes the first of the
numbers. It holds as long as a card gives every element a thread of its own, which is so for latents of usual size.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Words = NDArray[np.uint64]
"""Words of 32 bits, each in 64 for its products."""

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)
PART = float(np.float32(2.0**-32))
TURN = float(np.float32(2.3283064e-10 * 6.2831855))  # as cuRAND writes it: one bit off 2 pi / 2^32


def philox(counter: Sequence[Words], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Return Philox4x32-10 of counters.

    Args:
        counter: Four words a counter, each of shape (n,).
        key: Two words.
    """
    first, second, third, fourth = counter
    for turn in range(ROUNDS):
        left, right = (np.uint64((word + turn * bump) & int(LOW)) for word, bump in zip(key, WEYL, strict=True))
        one, other = first * np.uint64(MULTIPLIERS[0]), third * np.uint64(MULTIPLIERS[1])
        first, second, third, fourth = (
            (other >> HALF) ^ second ^ left,
            other & LOW,
            (one >> HALF) ^ fourth ^ right,
            one & LOW,
        )
    return first, second, third, fourth


class PhiloxGenerator:
    """One seed's stream of normal noise, as torch draws it on an NVIDIA card.

    Args:
        seed: 64 bits.
    """

    def __init__(self, seed: int) -> None:
        self._key = (seed & int(LOW), seed >> 32 & int(LOW))
        self._drawn = 0

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Return the next draw: standard normal, float32, on the CPU.

        >>> [round(value, 4) for value in PhiloxGenerator(0).normal((4,)).tolist()]
        [-0.9247, -0.4253, -2.6438, 0.1452]
        """
        count = prod(shape)
        nothing = np.zeros(count, dtype=np.uint64)
        counter = (nothing + np.uint64(self._drawn), nothing, np.arange(count, dtype=np.uint64), nothing)
        self._drawn += 1
        radius, angle, _, _ = philox(counter, self._key)
        return torch.from_numpy(_box_muller(radius, angle)).reshape(*shape)


def _box_muller(radius: Words, angle: Words) -> NDArray[np.float32]:
    """Return sqrt(-2 ln u) sin(v), with u in (0, 1] and v in (0, 2 pi] from the middles of 2^32 equal parts.

    The parts are float32's, as on the card; the rest is computed in float64, as A1111 does, and rounded once.
    """
    u = radius * PART + PART / 2
    v = angle * TURN + TURN / 2
    normal: NDArray[np.float32] = (np.sqrt(-2 * np.log(u)) * np.sin(v)).astype(np.float32)
    return normal
