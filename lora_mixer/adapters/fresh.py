"""What fresh factors are drawn from, the same for every kind."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from lora_mixer.adapters.shapes import columns
from lora_mixer.modules import Shape


def uniform(shape: Shape, generator: Generator | None) -> Tensor:
    """Return a uniform tensor with the bound of torch's own layers: 1 / sqrt(inputs)."""
    bound = 1 / math.sqrt(max(columns(shape), 1))
    return torch.empty(shape).uniform_(-bound, bound, generator=generator)


def normal(shape: Shape, deviation: float, generator: Generator | None) -> Tensor:
    """Return a normal tensor of this deviation."""
    return torch.empty(shape).normal_(0, deviation, generator=generator)


def divisor(number: int, most: int) -> int:
    """Return the largest divisor up to `most`.

    >>> divisor(320, 9)
    8
    """
    return next(divisor for divisor in range(min(most, number), 0, -1) if number % divisor == 0)
