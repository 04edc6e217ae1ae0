"""Noise that belongs to one picture: its neighbours in a batch cannot change it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class NoiseSource:
    """One picture's own stream of standard normal noise, drawn on the CPU in float32.

    The first draw is the starting noise; ancestral and SDE samplers go on drawing from the same stream. A subseed
    blends into the starting noise only.

    Args:
        seed: The picture's seed.
        subseed: The seed of a variation.
        strength: How far towards the variation, 0..1.
    """

    def __init__(self, seed: int, subseed: int | None = None, strength: float = 0.0) -> None:
        self.generator = _generator(seed)
        self._variation = None if subseed is None or strength == 0 else _generator(subseed)
        self._strength = strength

    def start(self, shape: Sequence[int]) -> Tensor:
        """Return the starting noise of one latent, shape (c, h, w)."""
        noise = torch.randn((1, *shape), generator=self.generator)[0]
        if self._variation is None:
            return noise
        return spherical(noise, torch.randn((1, *shape), generator=self._variation)[0], self._strength)


def starting_noise(sources: Sequence[NoiseSource], shape: Sequence[int]) -> Tensor:
    """Return the starting noise of a batch, (n, c, h, w) for latents of shape (c, h, w)."""
    return torch.stack([source.start(shape) for source in sources])


def spherical(first: Tensor, second: Tensor, at: float) -> Tensor:
    """Return the point at fraction `at` of the great arc from `first` to `second`.

    Shoemake, "Animating Rotation with Quaternion Curves" (1985): sin((1-t) w)/sin(w) a + sin(t w)/sin(w) b, with w the
    angle between a and b. It keeps the length, so the result is as likely a noise as both ends.
    """
    cosine = torch.dot(first.flatten(), second.flatten()) / (first.norm() * second.norm())
    angle = torch.arccos(cosine.clamp(-1, 1))
    if angle.sin().abs() < 1e-6:
        return torch.lerp(first, second, at)
    return (torch.sin((1 - at) * angle) * first + torch.sin(at * angle) * second) / angle.sin()


def _generator(seed: int) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(seed)
