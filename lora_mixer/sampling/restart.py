"""Restart: Heun's method that goes back up once or twice (Xu et al. 2023, arXiv:2306.14878, algorithm 1)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from lora_mixer.sampling.schedules import RHO
from lora_mixer.sampling.solver import Noise, PictureModel, SolverStep, move_towards

LOW, HIGH = 0.1, 2.0  # the noise levels between which it goes back
ENOUGH, MANY = 20, 36


def restart(model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[SolverStep]:
    """Take as many steps as asked for, some of them again: where the noise has come down to 0.1 it is put back to 2.

    How often and with how many steps is A1111's choice: none below 20 steps, once with 9, from 36 on twice with a
    quarter of all. Steps that restart stand on a Karras schedule of their own.
    """
    walk = list(_walk(sigmas))
    before = walk[0][0]
    for index, (now, to) in enumerate(walk):
        if now > before:
            latents = latents + math.sqrt(now**2 - before**2) * noise(now, before)
        picture = model(latents, now)
        end = move_towards(latents, picture, now, to)
        if to > 0:
            slope = (latents - picture) / now
            latents = latents + (to - now) * (slope + (end - model(end, to)) / to) / 2
        else:
            latents = end
        before = to
        yield SolverStep(latents, picture, (index + 1) / len(walk))


def _walk(sigmas: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Yield where every step begins and ends, those that restart among them."""
    steps = len(sigmas) - 1
    if steps < ENOUGH:
        yield from pairwise(sigmas)
        return
    times = 2 if steps >= MANY else 1
    again = steps // 4 if steps >= MANY else 9
    main = (*_karras(steps - again * times, sigmas[-2], sigmas[0]), 0.0)
    low, high = (min(range(len(main)), key=lambda at: abs(main[at] - level)) for level in (LOW, HIGH))
    for index, step in enumerate(pairwise(main)):
        yield step
        if index + 1 == low and high < low:
            for _ in range(times):
                yield from pairwise(_karras(again + 1, main[low], main[high]))


def _karras(count: int, least: float, most: float) -> tuple[float, ...]:
    ends = least ** (1 / RHO), most ** (1 / RHO)
    return tuple((ends[1] + step / (count - 1) * (ends[0] - ends[1])) ** RHO for step in range(count))
