"""What the loop takes and what it yields: a denoiser, and finished steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Denoise(Protocol):
    """The model as samplers see it: the guided prediction for latents (n, c, h, w) at a timestep."""

    def __call__(self, latents: Tensor, timestep: Tensor, step: int, /) -> Tensor:
        """Return the model's prediction, shaped as `latents`; `step` counts the sampler's steps from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One finished step.

    Attributes:
        index: Its number, from 0.
        total: How many there are.
        latents: Where sampling stands, float32 (n, c, h, w).
        predicted: The predicted final latents, for previews.
    """

    index: int
    total: int
    latents: Tensor
    predicted: Tensor
