"""Solvers: functions of a model, latents, noise levels and a noise source, as in k-diffusion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from torch import Tensor

from lora_mixer.sampling.noise import NoiseSource, next_noise


class PictureModel(Protocol):
    """A guided denoiser: maps latents (n, c, h, w) at a noise level to the predicted picture."""

    def __call__(self, latents: Tensor, sigma: float, /) -> Tensor:
        """Return the predicted picture, shaped as `latents`."""


class Noise(Protocol):
    """A per-picture noise source."""

    def __call__(self, now: float, to: float, /) -> Tensor:
        """Return standard normal noise for the interval between two levels."""


class SolverStep(NamedTuple):
    """A solver's state: the latents, the predicted picture, and the share of its work done."""

    latents: Tensor
    picture: Tensor
    share: float


class Solver(Protocol):
    """Takes latents at the first of falling noise levels and yields them step by step, down to the last level."""

    def __call__(
        self, model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, /
    ) -> Iterator[SolverStep]:
        """Yield after every step."""


class FreshNoise:
    """Independent noise at every call.

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
    """Increments of a Brownian path in sigma, consistent between nested intervals.

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
    """Yield (share done after the step, start level, end level) of every step.

    >>> list(steps_of([4.0, 1.0, 0.0]))
    [(0.5, 4.0, 1.0), (1.0, 1.0, 0.0)]
    """
    for index, (now, to) in enumerate(pairwise(sigmas)):
        yield (index + 1) / (len(sigmas) - 1), now, to


def move_towards(latents: Tensor, picture: Tensor, now: float, to: float) -> Tensor:
    """Move latents along the straight line to the picture, from one level to another.

    x_t = (t/s) x + (1 - t/s) D is Euler's step on the probability flow (Karras et al. 2022, arXiv:2206.00364, eq. 5) and
    DPM-Solver++'s first-order step (Lu et al. 2022, arXiv:2211.01095, eq. 9 in terms of sigma) alike.
    """
    return picture + (to / now) * (latents - picture)
