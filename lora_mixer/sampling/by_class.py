"""diffusers' scheduler classes as solvers: they are given the noise levels, and the picture instead of the output.

A class lays out levels and timesteps of its own; only its step is used here, at the levels of A1111's schedules. Times
are not rounded, and no step is looked up by its time: two of the same time are two steps.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import diffusers
import torch
from torch import Tensor

from lora_mixer.sampling.levels import Levels
from lora_mixer.sampling.solver import FreshNoise, Noise, PictureModel, Solver, SolverStep

TWICE = frozenset({"HeunDiscreteScheduler"})
"""Classes that call the model twice a step: at its beginning and, unless that is none, at its end."""

TO_THE_END = frozenset({"LMSDiscreteScheduler"})
"""Classes whose last step, to no noise at all, is one of their own; the others' is to the picture."""

UNIT = frozenset(
    {"DPMSolverMultistepScheduler", "DEISMultistepScheduler", "SASolverScheduler", "UniPCMultistepScheduler"}
)
"""Classes that keep latents at unit variance; the others keep the picture at its size."""


def by_class(name: str, options: Mapping[str, Any], levels: Levels) -> Solver:
    """Return a class of diffusers as a solver.

    Args:
        name: The class.
        options: Its arguments.
        levels: The model's noise levels.
    """

    def solve(model: PictureModel, latents: Tensor, sigmas: Sequence[float], noise: Noise) -> Iterator[SolverStep]:
        a_step = 2 if name in TWICE else 1
        calls = [sigmas[0], *(sigma for sigma in sigmas[1:] for _ in range(a_step if sigma else 1))]
        scheduler = _given(name, options, calls, levels)
        for index, (now, to) in enumerate(pairwise(calls)):
            picture = model(latents, now)
            if to == 0 and name not in TO_THE_END:
                latents = picture
            else:
                latents = _stepped(scheduler, index, picture, latents / _size(name, now), noise) * _size(name, to)
            steps, within = divmod(index + 1, a_step)
            if within == 0 or to == 0:
                yield SolverStep(latents, picture, (steps + within) / (len(sigmas) - 1))

    return solve


def _stepped(scheduler: Any, index: int, picture: Tensor, latents: Tensor, noise: Noise) -> Tensor:  # noqa: ANN401
    """Return what a class makes of latents in its own size, one call further."""
    with warnings.catch_warnings():
        # diffusers hands tensors to numpy in a way numpy 2 deprecates
        warnings.filterwarnings("ignore", "__array_", DeprecationWarning)
        further = _drawn(scheduler, index, noise)
        after: Tensor = scheduler.step(picture, scheduler.timesteps[index], latents, **further).prev_sample
    return after


def _given(name: str, options: Mapping[str, Any], calls: Sequence[float], levels: Levels) -> Any:  # noqa: ANN401 diffusers' class
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array_", DeprecationWarning)  # as below
        scheduler = getattr(diffusers, name)(prediction_type="sample", **options)
    times = [levels.time_of(sigma) for sigma in calls[:-1]]
    scheduler.sigmas = torch.tensor(calls, dtype=torch.float32)
    scheduler.timesteps = torch.tensor(times, dtype=torch.float32)
    scheduler.num_inference_steps = len(times)
    scheduler.is_scale_input_called = True
    scheduler.set_begin_index(0)
    return scheduler


def _size(name: str, sigma: float) -> float:
    """Return what latents of unit variance are multiplied by to have their picture at its size."""
    return math.sqrt(sigma**2 + 1) if name in UNIT else 1.0


def _drawn(scheduler: Any, index: int, noise: Noise) -> dict[str, Any]:  # noqa: ANN401 diffusers' class
    """Return the noise of a step as the class takes it: drawn, or as generators."""
    if str(scheduler.config.get("algorithm_type", "")).startswith("sde"):
        return {"variance_noise": noise(*scheduler.sigmas[index : index + 2].tolist())}
    if scheduler.__class__.__name__ == "SASolverScheduler":
        return {"generator": cast(FreshNoise, noise).generators}
    return {}
