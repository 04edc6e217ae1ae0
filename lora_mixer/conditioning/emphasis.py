"""Emphasis modes as a table, by A1111's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lora_mixer.choices import find_emphasis

Weigh = Callable[[Tensor, Tensor], Tensor]


def _original(z: Tensor, weights: Tensor) -> Tensor:
    """Multiply, then restore each chunk's mean."""
    weighted = z * weights
    ratio = z.mean(dim=(1, 2), keepdim=True) / weighted.mean(dim=(1, 2), keepdim=True)
    return weighted * torch.where(torch.isfinite(ratio), ratio, torch.ones_like(ratio))


def _no_norm(z: Tensor, weights: Tensor) -> Tensor:
    """Multiply only: for encoders whose means are near zero, where restoring them would blow up."""
    return z * weights


def _ignore(z: Tensor, _weights: Tensor) -> Tensor:
    """Parse the brackets, but ignore their weights."""
    return z


@dataclass(frozen=True, slots=True, kw_only=True)
class Emphasis:
    """An emphasis mode; `weigh` takes z (chunks, 77, width) and weights (chunks, 77, 1), in float32."""

    name: str
    weigh: Weigh


EMPHASIS = (
    Emphasis(name="original", weigh=_original),
    Emphasis(name="no norm", weigh=_no_norm),
    Emphasis(name="ignore", weigh=_ignore),
)


def emphasis_named(name: str) -> Emphasis:
    """Return a row of the table.

    Raises:
        RequestError: There is none of that name.
    """
    found = find_emphasis(name)
    return next(row for row in EMPHASIS if row.name == found)
