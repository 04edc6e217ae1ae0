"""k-diffusion's ancestral and SDE samplers of one or two calls: those diffusers has no class for, or none that takes eta.

An ancestral step goes down further than asked, to sigma_down, and adds fresh noise of sigma_up, so that
sigma_down^2 + sigma_up^2 = t^2; eta scales sigma_up (Song et al. 2020, arXiv:2010.02502, eq. 16). Without eta DDIM is
Euler's method in sigma, with all of it DDPM's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from torch import Tensor

from lora_mixer.sampling.solver import BrownianNoise, Noise, PictureModel, SolverStep, move_towards, steps_of


def euler_ancestral(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """Euler's method with ancestral noise, one call a step: Euler a; DDIM with eta 0 of its own, DDPM with eta 1."""
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        latents = ancestral(latents, picture, now, to, eta, noise)
        yield SolverStep(latents, picture, share)


def dpm_2(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """DPM2 and DPM2 a: the slope half-way decides the whole step (Karras et al. 2022, algorithm 2; Lu et al. 2022a)."""
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        down, up = ancestral_levels(now, to, eta)
        if down == 0:
            latents = move_towards(latents, picture, now, down)
        else:
            half = math.sqrt(now * down)
            middle = move_towards(latents, picture, now, half)
            picture = model(middle, half)
            latents = latents + (middle - picture) / half * (down - now)
        yield SolverStep(latents := _noised(latents, up, noise, now, to), picture, share)


def dpmpp_2s_ancestral(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """DPM++ 2S a: the picture predicted half-way decides the whole step (Lu et al. 2022, algorithm 1, r = 1/2)."""
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        if half := math.sqrt(now * ancestral_levels(now, to, eta)[0]):
            picture = model(move_towards(latents, picture, now, half), half)
        latents = ancestral(latents, picture, now, to, eta, noise)
        yield SolverStep(latents, picture, share)


def dpmpp_sde(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """DPM++ SDE: both halves of a step add noise, increments of one Brownian path in sigma (Lu et al. 2022, section 5)."""
    path = BrownianNoise(noise)
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        if to > 0:
            half = math.sqrt(now * to)
            picture = model(ancestral(latents, picture, now, half, eta, path), half)
        latents = ancestral(latents, picture, now, to, eta, path)
        yield SolverStep(latents, picture, share)


def ancestral_levels(now: float, to: float, eta: float) -> tuple[float, float]:
    """Return (sigma_down, sigma_up) of an ancestral step.

    >>> ancestral_levels(2.0, 1.0, 0.0)
    (1.0, 0.0)
    """
    up = min(to, eta * math.sqrt(to**2 * (now**2 - to**2) / now**2))
    return math.sqrt(to**2 - up**2), up


def ancestral(latents: Tensor, picture: Tensor, now: float, to: float, eta: float, noise: Noise) -> Tensor:
    """Return latents after one ancestral step towards a picture."""
    down, up = ancestral_levels(now, to, eta)
    return _noised(move_towards(latents, picture, now, down), up, noise, now, to)


def _noised(latents: Tensor, up: float, noise: Noise, now: float, to: float) -> Tensor:
    return latents + up * noise(now, to) if up else latents
