"""DPM-Solver in sigma, with steps of several calls: DPM fast and DPM adaptive (Lu et al. 2022, arXiv:2206.00927).

lambda = -log sigma; a step from s to t = s e^-h of order k calls the model k times.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from lora_mixer.errors import RenderError
from lora_mixer.sampling.ancestral import ancestral_levels
from lora_mixer.sampling.solver import Noise, PictureModel, SolverStep

RELATIVE, ABSOLUTE = 0.05, 0.0078  # tolerated errors of DPM adaptive
FIRST, ACCEPTED = 0.05, 0.81
CLOSE = 1e-5
MOST_TRIES = 10_000


class _Slopes:
    """The slopes e = (x - D) / sigma of one step, at its beginning and at two places in it; each is computed once."""

    def __init__(self, model: PictureModel, latents: Tensor, now: float) -> None:
        self._model, self.latents, self.now = model, latents, now
        self.picture = model(latents, now)
        self.first = (latents - self.picture) / now

    def at(self, latents: Tensor, sigma: float) -> Tensor:
        """Return the slope at a place in the step."""
        return (latents - self._model(latents, sigma)) / sigma

    def third(self, to: float) -> Tensor:
        """Return the slope at a third of the step, in lambda."""
        if not hasattr(self, "_third"):
            place = self.now ** (2 / 3) * to ** (1 / 3)
            self._third = self.at(self.latents + (place - self.now) * self.first, place)
        return self._third


def _one(slopes: _Slopes, to: float) -> Tensor:
    """First order: x - t (e^h - 1) e (eq. 3.7)."""
    return slopes.latents + (to - slopes.now) * slopes.first


def _two(slopes: _Slopes, to: float, slope: Tensor, place: float) -> Tensor:
    """Second order, of a slope at a place (a share of h) of the step (eq. 4.1 of the appendix)."""
    return _one(slopes, to) + (to - slopes.now) / (2 * place) * (slope - slopes.first)


def _half(slopes: _Slopes, to: float) -> Tensor:
    middle = math.sqrt(slopes.now * to)
    return _two(slopes, to, slopes.at(slopes.latents + (middle - slopes.now) * slopes.first, middle), 1 / 2)


def _three(slopes: _Slopes, to: float) -> Tensor:
    """Third order, of slopes at a third and two thirds of h (algorithm 2)."""
    h, third = math.log(slopes.now / to), slopes.third(to)
    place = slopes.now ** (1 / 3) * to ** (2 / 3)
    bend = math.expm1(2 / 3 * h) / (2 / 3 * h) - 1
    inner = slopes.latents + (place - slopes.now) * slopes.first - 2 * place * bend * (third - slopes.first)
    outer = slopes.at(inner, place) - slopes.first
    return _one(slopes, to) - to * 3 / 2 * (math.expm1(h) / h - 1) * outer


def dpm_fast(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """DPM fast: as many calls as steps, in steps of third order and what is left over (section 3.4; k-diffusion).

    It goes evenly in lambda from the first level to the last above none, whatever lies between.
    """
    calls, end = len(sigmas) - 1, _end(sigmas)
    count = calls // 3 + 1
    orders = [3] * (count - 2) + [2, 1] if calls % 3 == 0 else [3] * (count - 1) + [calls % 3]
    places = [sigmas[0] ** (1 - step / count) * end ** (step / count) for step in range(count + 1)]
    done = 0
    for order, (now, to) in zip(orders, pairwise(places), strict=True):
        down, up = _down(now, to, eta, end)
        slopes = _Slopes(model, latents, now)
        latents = (_one, _half, _three)[order - 1](slopes, down)
        latents = latents + up * noise(now, to)
        done += order
        yield SolverStep(latents, slopes.picture, done / calls)


def dpm_adaptive(
    model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise, *, eta: float
) -> Iterator[SolverStep]:
    """DPM adaptive: DPM-Solver-23, which chooses its steps by the error it sees (appendix C; k-diffusion's controller).

    It goes from the first level to the last above none, with as many calls as it takes.

    Raises:
        RenderError: The error does not become small, or is not a number.
    """
    most, end = sigmas[0], _end(sigmas)
    now, h, before = most, FIRST, latents
    for _ in range(MOST_TRIES):
        if math.log(now / end) <= CLOSE:
            return
        to = max(end, now * math.exp(-h))
        down, up = _down(now, to, eta, end)
        slopes = _Slopes(model, latents, now)
        low, high = _two(slopes, down, slopes.third(down), 1 / 3), _three(slopes, down)
        tolerated = torch.maximum(torch.full_like(low, ABSOLUTE), RELATIVE * torch.maximum(low.abs(), before.abs()))
        error = float(torch.linalg.vector_norm((low - high) / tolerated)) / math.sqrt(latents.numel())
        factor = 1 + math.atan((error + 1e-8) ** (-1 / (1.5 if eta else 3)) - 1)
        if not math.isfinite(error):
            break
        h *= factor
        if factor >= ACCEPTED:
            before, latents, now = low, high + up * noise(now, to), to
            yield SolverStep(latents, slopes.picture, math.log(most / now) / math.log(most / end))
    raise RenderError("DPM adaptive finds no steps small enough for this picture", remedy="Use DPM++ 2M.")


def _end(sigmas: Sequence[float]) -> float:
    return next(sigma for sigma in reversed(sigmas) if sigma > 0)


def _down(now: float, to: float, eta: float, end: float) -> tuple[float, float]:
    """Return where a step goes down to, and how much noise lifts it to where it should end; never below the end."""
    down = max(end, ancestral_levels(now, to, eta)[0]) if eta else to
    return down, math.sqrt(max(0.0, to**2 - down**2))
