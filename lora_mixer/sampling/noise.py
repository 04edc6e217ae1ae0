"""Per-picture noise, independent of the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lora_mixer.choices.rng import CPU, NV
from lora_mixer.sampling.philox import PhiloxGenerator

Draw = Callable[[Sequence[int]], Tensor]
"""Returns a stream's next standard normal numbers in a shape, float32 on the CPU."""


class NoiseSource:
    """One picture's own stream of standard normal noise, drawn on the CPU in float32.

    The first draw is the starting noise; ancestral and SDE samplers go on drawing from the same stream. A subseed
    blends into the starting noise only.

    Args:
        seed: The picture's seed.
        subseed: The seed of a variation.
        strength: How far towards the variation, 0..1.
        rng: `cpu`, or `nv` for what an NVIDIA card draws; there a variation turns every column of a latent by itself,
            as A1111 does it.

    Attributes:
        generator: The CPU's generator of the seed, for samplers that draw from nothing else.
        nv: Whether the noise is an NVIDIA card's.
    """

    def __init__(self, seed: int, subseed: int | None = None, strength: float = 0.0, *, rng: str = CPU) -> None:
        self.generator = torch.Generator("cpu").manual_seed(seed)
        self.nv = rng == NV
        self._draw = PhiloxGenerator(seed).normal if self.nv else _drawing(self.generator)
        self._variation = None if subseed is None or strength == 0 else _stream(subseed, nv=self.nv)
        self._strength = strength

    def start(self, shape: Sequence[int]) -> Tensor:
        """Return the starting noise of one latent, shape (c, h, w)."""
        noise = self._draw(shape)
        if self._variation is None:
            return noise
        return spherical(noise, self._variation(shape), self._strength, axis=1 if self.nv else None)

    def next(self, shape: Sequence[int]) -> Tensor:
        """Return the next noise of one latent, shape (c, h, w)."""
        return self._draw(shape)


def starting_noise(sources: Sequence[NoiseSource], shape: Sequence[int]) -> Tensor:
    """Return the starting noise of a batch, (n, c, h, w) for latents of shape (c, h, w)."""
    return torch.stack([source.start(shape) for source in sources])


def next_noise(sources: Sequence[NoiseSource], like: Tensor) -> Tensor:
    """Return fresh noise for every latent of a batch (n, c, h, w), on their device and in their dtype."""
    return torch.stack([source.next(like.shape[1:]) for source in sources]).to(like)


def spherical(first: Tensor, second: Tensor, at: float, *, axis: int | None = None) -> Tensor:
    """Return the point at fraction `at` on the great arc from `first` to `second`.

    Shoemake, "Animating Rotation with Quaternion Curves" (1985): sin((1-t) w)/sin(w) a + sin(t w)/sin(w) b, with w the
    angle between a and b. It keeps the length, so the result is as likely a noise as both ends.

    Args:
        first: Where `at` is 0.
        second: Where `at` is 1.
        at: The fraction.
        axis: The axis along which the interpolated vectors lie; None takes the whole as one vector.
    """
    if axis is None:
        cosine = torch.dot(first.flatten(), second.flatten()) / (first.norm() * second.norm())
    else:
        lengths = [part.norm(dim=axis, keepdim=True) for part in (first, second)]
        cosine = (first / lengths[0] * (second / lengths[1])).sum(axis, keepdim=True)
    angle = torch.arccos(cosine.clamp(-1, 1))
    if angle.sin().abs().max() < 1e-6:
        return torch.lerp(first, second, at)
    return (torch.sin((1 - at) * angle) * first + torch.sin(at * angle) * second) / angle.sin()


def _stream(seed: int, *, nv: bool) -> Draw:
    return PhiloxGenerator(seed).normal if nv else _drawing(torch.Generator("cpu").manual_seed(seed))


def _drawing(generator: torch.Generator) -> Draw:
    return lambda shape: torch.randn((1, *shape), generator=generator)[0]
