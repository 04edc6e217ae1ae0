"""Samplers of one call a step that remember the pictures or slopes of earlier ones.

lambda = -log sigma, h = the step in lambda, D = the predicted picture, d = (x - D) / sigma, the slope of the
probability flow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lora_mixer.sampling.ancestral import ancestral_levels
from lora_mixer.sampling.solver import Noise, PictureModel, SolverStep, move_towards, steps_of

ADAMS_BASHFORTH: tuple[tuple[float, ...], ...] = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)
POINTS = 200


def dpmpp_3m_sde(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """DPM++ 3M SDE: D's first two derivatives in lambda from two earlier steps (Lu et al. 2022, arXiv:2211.01095).

    With k = (1 + eta) h: x' = e^-k x + (1 - e^-k) D + phi_2 D' - phi_3 D'' + t sqrt(1 - e^(-2 eta h)) z, where
    phi_2 = (e^-k - 1)/k + 1 and phi_3 = phi_2/k - 1/2; D' and D'' are divided differences in units of h.
    """
    known: list[tuple[float, Tensor]] = []  # lambda and D, the latest first
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        if to == 0:
            yield SolverStep(picture, picture, share)
            return
        h = math.log(now / to)
        k = (1 + eta) * h
        before, known = known, [(-math.log(now), picture), *known[:1]]
        latents = math.exp(-k) * latents - math.expm1(-k) * picture
        phi_2 = math.expm1(-k) / k + 1
        if before:
            first, second = _derivatives(picture, -math.log(now), before, h)
            latents = latents + phi_2 * first - ((phi_2 / k - 0.5) * second if second is not None else 0.0)
        if eta:
            latents = latents + to * math.sqrt(-math.expm1(-2 * eta * h)) * noise(now, to)
        yield SolverStep(latents, picture, share)


def _derivatives(
    picture: Tensor, here: float, before: Sequence[tuple[float, Tensor]], h: float
) -> tuple[Tensor, Tensor | None]:
    """Return D' and D'' here in units of h, by Newton's divided differences; no D'' of one earlier step."""
    (last, one), *older = before
    r0 = (here - last) / h
    slope = (picture - one) / r0
    if not older:
        return slope, None
    (first, other) = older[0]
    r1 = (last - first) / h
    bend = (slope - (one - other) / r1) / (r0 + r1)
    return slope + r0 * bend, bend


def res_multistep(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """Res Multistep: a second-order exponential integrator (Zhang et al. 2023, arXiv:2308.02157, section 4).

    x' = e^-h x + h (b1 D + b2 D_before), b2 = phi_2(-h) / c, b1 = phi_1(-h) - b2, with phi_1(z) = (e^z - 1)/z and
    phi_2(z) = (phi_1(z) - 1)/z; c h is how far back D_before lies. With eta it goes down further and adds noise.
    """
    before: tuple[float, float, Tensor] | None = None  # sigma, where its step went down to, D
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        down, up = ancestral_levels(now, to, eta)
        if before is None or down == 0:
            latents = move_towards(latents, picture, now, down)
        else:
            h = math.log(now / down)
            c = math.log(before[1] / before[0]) / h
            phi_1 = math.expm1(-h) / -h
            b2 = (phi_1 - 1) / -h / c
            latents = math.exp(-h) * latents + h * ((phi_1 - b2) * picture + b2 * before[2])
        before = (now, down, picture)
        latents = latents + up * noise(now, to) if up else latents
        yield SolverStep(latents, picture, share)


def gradient_estimation(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, gamma: float = 2.0
) -> Iterator[SolverStep]:
    """Gradient Estimation: Euler's step along gamma d - (gamma - 1) d_before (Permenter and Yuan 2023, arXiv:2306.04848)."""
    del noise
    before: Tensor | None = None
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        slope = (latents - picture) / now
        along = slope if before is None or to == 0 else gamma * slope - (gamma - 1) * before
        latents, before = latents + (to - now) * along, slope
        yield SolverStep(latents, picture, share)


def ipndm(model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[SolverStep]:
    """IPNDM: Adams-Bashforth of order four on d, of lower order at first (Zhang and Chen 2022, arXiv:2204.13902)."""
    del noise
    slopes: list[Tensor] = []  # the latest first
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        slopes = [(latents - picture) / now, *slopes[:3]]
        latents = picture if to == 0 else latents + (to - now) * _weighted(slopes)
        yield SolverStep(latents, picture, share)


def plms(model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[SolverStep]:
    """PLMS: the same, its first step a mean of both ends' slopes (Liu et al. 2022, arXiv:2202.09778, eq. 12-13)."""
    del noise
    slopes: list[Tensor] = []
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        slopes = [(latents - picture) / now, *slopes[:3]]
        along = _weighted(slopes)
        if len(slopes) == 1 and to > 0:
            end = latents + (to - now) * along
            along = (along + (end - model(end, to)) / to) / 2
        latents = latents + (to - now) * along
        yield SolverStep(latents, latents - to * along, share)


def _weighted(slopes: Sequence[Tensor]) -> Tensor:
    weights = ADAMS_BASHFORTH[len(slopes) - 1]
    total = weights[0] * slopes[0]
    for weight, slope in zip(weights[1:], slopes[1:], strict=True):
        total = total + weight * slope
    return total


def er_sde(model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[SolverStep]:
    """ER SDE: the extended reverse-time SDE solver of third order (Cui et al. 2023, arXiv:2309.06169, algorithm 3).

    With s(x) = x (exp(x^0.3) + 10) and r = s(t)/s(sigma):
    x' = r x + (1 - r) D + (t - sigma + s(t) I_1) D' + ((t - sigma)^2/2 + s(t) I_2) D'' + sqrt(t^2 - sigma^2 r^2) z,
    where I_1 and I_2 are the integrals of 1/s(u) and (u - sigma)/s(u) from t to sigma, as sums over 200 points.
    """
    known: list[tuple[float, Tensor, Tensor | None]] = []  # sigma, D, D'; the latest first
    for share, now, to in steps_of(sigmas):
        picture = model(latents, now)
        if to == 0:
            yield SolverStep(picture, picture, share)
            return
        r = float(_strength(to) / _strength(now))
        latents = r * latents + (1 - r) * picture
        slope: Tensor | None = None
        if known:
            places = to + np.arange(POINTS) * (now - to) / POINTS
            weights = (now - to) / POINTS / _strength(places)
            first = to - now + weights.sum() * _strength(to)
            second = (to - now) ** 2 / 2 + ((places - now) * weights).sum() * _strength(to)
            before, earlier = known[0], known[1:]
            slope = (picture - before[1]) / (now - before[0])
            latents = latents + float(first) * slope
            if earlier and before[2] is not None:
                latents = latents + float(second) * ((slope - before[2]) / ((now - earlier[0][0]) / 2))
        latents = latents + math.sqrt(max(0.0, to**2 - (now * r) ** 2)) * noise(now, to)
        known = [(now, picture, slope), *known[:1]]
        yield SolverStep(latents, picture, share)


def _strength(sigma: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how strongly noise is taken off at levels: the function s of Cui et al. that they found best."""
    levels = np.asarray(sigma, dtype=np.float64)
    strength: NDArray[np.float64] = levels * (np.exp(levels**0.3) + 10.0)
    return strength
