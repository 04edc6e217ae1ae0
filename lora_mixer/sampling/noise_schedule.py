"""Noise schedules: the noise levels of a render and its initial noise."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler

from lora_mixer.choices import AUTOMATIC, SCHEDULES, TRAILING, Sampler
from lora_mixer.errors import RequestError
from lora_mixer.sampling.levels import Levels, is_continuous, trained_of
from lora_mixer.sampling.schedules import LAID_OUT, without_penultimate


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSchedule:
    """The noise levels of a render's steps.

    Attributes:
        sigmas: Falling noise levels, one more than steps.
        start: The factor on the initial unit-variance noise.
        times: Timesteps for the model at the start of each step, if they do not follow from the level.
    """

    sigmas: tuple[float, ...]
    start: float
    times: Mapping[float, float] = field(default_factory=lambda: MappingProxyType({}))


def lay_out(sampler: Sampler, trained: Mapping[str, Any], levels: Levels, steps: int) -> NoiseSchedule:
    """Return a sampler's noise schedule on a model.

    Args:
        sampler: The sampler and its schedule.
        trained: The model's scheduler configuration, in diffusers' words.
        levels: The model's noise levels.
        steps: How many steps.

    Raises:
        RequestError: The schedule is diffusers' own and needs trained steps, which the model lacks.
    """
    name, row = schedule_in_use(sampler, trained), sampler.row
    if SCHEDULES[name].spacing:
        return _by_diffusers(name, trained, steps)
    schedule = LAID_OUT[name]
    if row.skips:
        schedule = partial(without_penultimate, schedule)
    sigmas = schedule(steps, levels)
    if row.stops and name == "DDIM" and len(sigmas) > 2:
        sigmas = sigmas[:-1]
    return NoiseSchedule(sigmas=sigmas, start=math.sqrt(sigmas[0] ** 2 + 1) if row.unit else sigmas[0])


def schedule_in_use(sampler: Sampler, trained: Mapping[str, Any]) -> str:
    """Resolve `Automatic`: trailing if the model needs it, else the sampler's own schedule."""
    if sampler.schedule != AUTOMATIC:
        return sampler.schedule
    if trained.get("timestep_spacing") == "trailing" and TRAILING in sampler.row.schedules:
        return TRAILING
    return sampler.row.schedules[0]


def _by_diffusers(name: str, trained: Mapping[str, Any], steps: int) -> NoiseSchedule:
    """Return the noise schedule of diffusers' Euler class."""
    if is_continuous(trained):
        raise RequestError(
            f"the model was trained at continuous noise, and {name} counts trained steps", remedy="Use Karras."
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "__array_", DeprecationWarning)
        laid = EulerDiscreteScheduler(**trained_of(trained), **SCHEDULES[name].spacing)
        laid.set_timesteps(steps)
    sigmas, times = laid.sigmas.tolist(), laid.timesteps.tolist()
    return NoiseSchedule(
        sigmas=tuple(sigmas),
        start=float(laid.init_noise_sigma),
        times=MappingProxyType(dict(zip(sigmas, times, strict=False))),
    )
