"""Sampling from noise or from pictures: a sampler's course is laid out, and one of two loops walks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from lora_mixer.choices import Sampler
from lora_mixer.errors import RequestError
from lora_mixer.sampling.kept import KeptAtLevel, KeptByScheduler
from lora_mixer.sampling.levels import levels_of
from lora_mixer.sampling.noise import NoiseSource, starting_noise
from lora_mixer.sampling.noise_schedule import lay_out
from lora_mixer.sampling.scheduler_loop import walk
from lora_mixer.sampling.schedulers import build_scheduler, lays_out_itself, times_after
from lora_mixer.sampling.solver_loop import solve
from lora_mixer.sampling.start import PictureStart
from lora_mixer.sampling.step import Denoise, Step


def sample(
    denoise: Denoise,
    latents: Tensor,
    sampler: Sampler,
    scheduler_config: Mapping[str, Any],
    steps: int,
    noise: Sequence[NoiseSource],
    *,
    tuned: str = "sd1",
) -> Iterator[Step]:
    """Sample a batch, yielding after every step. To cancel, stop iterating.

    Args:
        denoise: The model, guidance included.
        latents: Starting noise of unit variance (n, c, h, w), on the device to sample on.
        sampler: Which sampler and schedule.
        scheduler_config: The noise schedule the model was trained with, in diffusers' words.
        steps: The number of steps.
        noise: One source for every latent; ancestral and SDE samplers draw from it.
        tuned: The table that schedules take which were optimised for a kind of model.

    Raises:
        RequestError: The sampler does not support this model, number of steps or batch size.
    """
    _check(latents, sampler, noise)
    if _taken_by_class(sampler, scheduler_config, noise):
        scheduler = build_scheduler(sampler, scheduler_config, steps, latents.device)
        at = latents.float() * scheduler.init_noise_sigma
        return walk(denoise, at, sampler, scheduler, scheduler.timesteps, steps, noise)
    levels = levels_of(scheduler_config, tuned=tuned)
    course = lay_out(sampler, scheduler_config, levels, steps)
    return solve(denoise, latents.float() * course.start, sampler, levels, course, steps, noise)


def resample(
    denoise: Denoise,
    start: PictureStart,
    sampler: Sampler,
    scheduler_config: Mapping[str, Any],
    steps: int,
    noise: Sequence[NoiseSource],
    *,
    tuned: str = "sd1",
) -> Iterator[Step]:
    """Sample a batch from pictures that are there: noise is put on them, and that much is taken off again.

    As many steps are taken as asked for: the last of the course that the start tells the length of. What a mask keeps is
    shown to the model with the seed's first noise at every level, as in diffusers' own pipeline: after each step of a class
    of diffusers, and for solvers whenever they call the model, whose predicted picture has it, too.

    Args:
        denoise: The model, guidance included; its steps count from 0.
        start: The pictures.
        sampler: Which sampler and schedule.
        scheduler_config: The noise schedule the model was trained with, in diffusers' words.
        steps: The number of steps.
        noise: One source for every latent, not drawn from yet.
        tuned: The table of optimised schedules that suits the model.

    Raises:
        RequestError: The sampler does not support this model, number of steps or batch size.
    """
    _check(start.pictures, sampler, noise)
    whole = max(start.steps, steps)
    fresh = starting_noise(noise, start.pictures.shape[1:]).to(start.pictures.device)
    under = start.under(fresh)
    if _taken_by_class(sampler, scheduler_config, noise):
        scheduler = build_scheduler(sampler, scheduler_config, whole, fresh.device)
        times = times_after(scheduler, whole - steps)
        noised = scheduler.add_noise(under, fresh, times[:1].repeat(len(under)))
        at = fresh * scheduler.init_noise_sigma if start.anew else noised
        return walk(denoise, at, sampler, scheduler, times, steps, noise, kept=KeptByScheduler(start, fresh, scheduler))
    levels = levels_of(scheduler_config, tuned=tuned)
    laid = lay_out(sampler, scheduler_config, levels, whole)
    course = replace(laid, sigmas=laid.sigmas[min(whole - steps, len(laid.sigmas) - 2) :])
    at = fresh * laid.start if start.anew else under + fresh * course.sigmas[0]
    return solve(denoise, at, sampler, levels, course, steps, noise, kept=KeptAtLevel(start, fresh))


def course_of(steps: int, strength: float) -> int:
    """Return the full schedule length whose last `steps` steps match `strength` (A1111).

    >>> course_of(10, 0.5), course_of(10, 1.0)
    (20, 10)
    """
    return int(steps / min(strength, 0.999))


def _taken_by_class(sampler: Sampler, trained: Mapping[str, Any], noise: Sequence[NoiseSource]) -> bool:
    """Tell whether a class of diffusers takes the steps by itself: not where it would draw noise of another kind."""
    draws = sampler.row.noisy or bool(sampler.eta)
    return lays_out_itself(sampler, trained) and not (draws and any(source.nv for source in noise))


def _check(latents: Tensor, sampler: Sampler, noise: Sequence[NoiseSource]) -> None:
    if len(noise) != len(latents):
        raise RequestError(f"{len(latents)} latents but {len(noise)} noise sources")
    if sampler.row.alone and len(latents) > 1:
        raise RequestError(
            f"{sampler.name} chooses its steps by what it draws, one picture at a time", remedy="Use a batch of 1."
        )
