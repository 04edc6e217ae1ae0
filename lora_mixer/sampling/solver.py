"""What a solver is: a function of a model, latents, noise levels and a source of noise, as k-diffusion writes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from torch import Tensor

from lora_mixer.sampling.noise import NoiseSource, next_noise


class Denoiser(Protocol):
    """A denoiser: latents (n, c, h, w) of a noise level in, the picture they hide out, guidance included."""

    def __call__(self, latents: Tensor, sigma: float, /) -> Tensor:
        """Return the predicted picture, shaped as `latents`."""


class Noise(Protocol):
    """A source of noise, of every picture's own."""

    def __call__(self, now: float, to: float, /) -> Tensor:
        """Return standard normal noise for what happens between two levels."""


class SolverStep(NamedTuple):
    """Where a solver stands: the latents, the picture they are heading for, and which share of its work is done."""

    latents: Tensor
    picture: Tensor
    share: float


class Solver(Protocol):
    """Latents at the first of some falling noise levels in, ever further ones out; the last are at the last level."""

    def __call__(
        self, model: Denoiser, latents: Tensor, sigmas: Sequence[float], noise: Noise, /
    ) -> Iterator[SolverStep]:
        """Yield after every step."""


class FreshNoise:
    """Noise that is drawn anew whenever it is asked for.

    Args:
        sources: Every picture's own.
        like: Latents of the shape and place that the noise shall have.
    """

    def __init__(self, sources: Sequence[NoiseSource], like: Tensor) -> None:
        self._sources, self._like = sources, like
        self.generators = [source.generator for source in sources]

    def __call__(self, now: float, to: float) -> Tensor:
        """Return fresh noise."""
        del now, to
        return next_noise(self._sources, self._like)


class BrownianNoise:
    """Noise of a Brownian path in sigma: what is asked for between two levels holds what was asked for between nearer ones.

    The path is drawn as it is walked: W(now, half), then W(half, to); W(now, to) is their sum.

    Args:
        fresh: Where it is drawn from.
    """

    def __init__(self, fresh: Noise) -> None:
        self._fresh = fresh
        self._walked: tuple[float, float, Tensor] | None = None

    def __call__(self, now: float, to: float) -> Tensor:
        """Return the path's increment between two levels, of unit variance."""
        walked, self._walked = self._walked, None
        if walked is not None and walked[0] == now and to < walked[1]:
            done = (now - walked[1]) / (now - to)
            return math.sqrt(done) * walked[2] + math.sqrt(1 - done) * self._fresh(walked[1], to)
        increment = self._fresh(now, to)
        self._walked = (now, to, increment)
        return increment


def steps_of(sigmas: Sequence[float]) -> Iterator[tuple[float, float, float]]:
    """Yield every step: the share of all that is done after it, the level it begins at and the level it ends at.

    >>> list(steps_of([4.0, 1.0, 0.0]))
    [(0.5, 4.0, 1.0), (1.0, 1.0, 0.0)]
    """
    for index, (now, to) in enumerate(pairwise(sigmas)):
        yield (index + 1) / (len(sigmas) - 1), now, to


def move_towards(latents: Tensor, picture: Tensor, now: float, to: float) -> Tensor:
    """Return latents of one level at another one on the straight line to the picture.

    x_t = (t/s) x + (1 - t/s) D is Euler's step on the probability flow (Karras et al. 2022, arXiv:2206.00364, eq. 5) and
    DPM-Solver++'s first-order step (Lu et al. 2022, arXiv:2211.01095, eq. 9 in terms of sigma) alike.
    """
    return picture + (to / now) * (latents - picture)
