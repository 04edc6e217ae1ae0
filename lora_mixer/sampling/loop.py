"""The sampling loop: takes a denoiser, a scheduler and noise; yields every step."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from torch import Tensor

from lora_mixer.choices import Sampler
from lora_mixer.errors import RequestError
from lora_mixer.sampling.levels import Levels, levels_of, on_device
from lora_mixer.sampling.noise import NoiseSource, starting_noise
from lora_mixer.sampling.noise_schedule import NoiseSchedule, lay_out
from lora_mixer.sampling.schedulers import Output, Scheduler, build_scheduler, lays_out_itself, times_after
from lora_mixer.sampling.solver import FreshNoise
from lora_mixer.sampling.solvers import solver_of
from lora_mixer.sampling.start import PictureStart

CLOSE = 1e-6  # shares of a whole number of steps are not exact


class Denoise(Protocol):
    """The model as samplers see it: the guided prediction for latents (n, c, h, w) at a timestep."""

    def __call__(self, latents: Tensor, timestep: Tensor, step: int, /) -> Tensor:
        """Return the model's prediction, shaped as `latents`; `step` counts the sampler's steps from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One finished step.

    Attributes:
        index: Its number, from 0.
        total: How many there are.
        latents: Where sampling stands, float32 (n, c, h, w).
        predicted: The predicted final latents, for previews.
    """

    index: int
    total: int
    latents: Tensor
    predicted: Tensor


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
        return _walk(denoise, at, sampler, scheduler, scheduler.timesteps, steps, noise)
    levels = levels_of(scheduler_config, tuned=tuned)
    course = lay_out(sampler, scheduler_config, levels, steps)
    return _solve(denoise, latents.float() * course.start, sampler, levels, course, steps, noise)


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
        return _walk(denoise, at, sampler, scheduler, times, steps, noise, kept=_Kept(start, fresh, scheduler))
    levels = levels_of(scheduler_config, tuned=tuned)
    laid = lay_out(sampler, scheduler_config, levels, whole)
    course = replace(laid, sigmas=laid.sigmas[min(whole - steps, len(laid.sigmas) - 2) :])
    at = fresh * laid.start if start.anew else under + fresh * course.sigmas[0]
    return _solve(denoise, at, sampler, levels, course, steps, noise, kept=_KeptAtLevel(start, fresh))


class _KeptAtLevel:
    """What a mask keeps, as solvers see it: the model is shown it with the seed's noise, and predicts nothing else of it."""

    def __init__(self, start: PictureStart, fresh: Tensor) -> None:
        self._start, self._fresh = start, fresh
        self._begins = start.anew

    def shown(self, latents: Tensor, sigma: float) -> Tensor:
        """Return latents of a noise level as the model shall see them; noise alone is where it is begun with."""
        if self._begins:
            self._begins = False
            return latents
        return self._start.keep(latents, self._start.pictures.float() + sigma * self._fresh)

    def picture(self, picture: Tensor) -> Tensor:
        """Return a predicted picture with what is kept."""
        return self._start.keep(picture)


class _Kept:
    """The kept part of a masked picture, at the scheduler's current noise level."""

    def __init__(self, start: PictureStart, fresh: Tensor, scheduler: Scheduler) -> None:
        self._start, self._fresh, self._scheduler = start, fresh, scheduler

    def put_back(self, latents: Tensor, time: Tensor | None) -> Tensor:
        """Return latents with it put back; after the last time there is no noise."""
        if self._start.redrawn is None or time is None:
            return self._start.keep(latents)
        times = time.reshape(1).repeat(len(latents))
        return self._start.keep(latents, self._scheduler.add_noise(self._start.pictures.float(), self._fresh, times))


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


def _solve(
    denoise: Denoise,
    at: Tensor,
    sampler: Sampler,
    levels: Levels,
    course: NoiseSchedule,
    steps: int,
    noise: Sequence[NoiseSource],
    *,
    kept: _KeptAtLevel | None = None,
) -> Iterator[Step]:
    """Run a solver over a noise schedule, from latents at its first level; yield every step once, in order.

    A solver may take more steps than were asked for, or fewer: those that are asked for are its work in equal shares.
    """
    model = _Denoiser(denoise, levels, course, steps, kept)
    picture = at
    for at, picture, share in solver_of(sampler, levels)(model, at, course.sigmas, FreshNoise(noise, at)):  # noqa: B020 it walks on
        reached = min(int(share * steps + CLOSE), steps - 1)
        for index in range(model.done, reached):
            yield Step(index=index, total=steps, latents=at, predicted=picture)
        model.step_after(reached)
    for index in range(model.done, steps):
        yield Step(index=index, total=steps, latents=kept.picture(at) if kept else at, predicted=picture)


class _Denoiser:
    """A model as solvers see it: maps latents at a noise level to the predicted picture.

    Attributes:
        done: The number of requested steps done.
        unguided: The picture that the negative prompt alone predicted in the last call, if the model tells it; else
            the same as the guided one.
    """

    unguided: Tensor

    def __init__(
        self, denoise: Denoise, levels: Levels, course: NoiseSchedule, steps: int, kept: _KeptAtLevel | None
    ) -> None:
        self._denoise, self._levels, self._course, self._steps = denoise, levels, course, steps
        self._kept = kept
        self._begins = True
        self.done = 0

    def __call__(self, latents: Tensor, sigma: float) -> Tensor:
        told, self._begins = self._course.times.get(sigma) if self._begins else None, False
        timestep = on_device(self._levels.time_of(sigma) if told is None else told, latents.device)
        step = min(self.done, self._steps - 1)
        latents = latents if self._kept is None else self._kept.shown(latents, sigma)
        output = self._denoise(self._levels.scaled(latents, sigma), timestep, step).float()
        picture = self._predicted(latents, output, sigma)
        negative: Tensor | None = getattr(self._denoise, "negative", None)
        self.unguided = picture if negative is None else self._predicted(latents, negative, sigma)
        return picture

    def _predicted(self, latents: Tensor, output: Tensor, sigma: float) -> Tensor:
        picture = self._levels.picture(latents, output, sigma)
        return picture if self._kept is None else self._kept.picture(picture)

    def step_after(self, reached: int) -> None:
        """Begin the next step, after `done` requested steps."""
        self.done, self._begins = max(self.done, reached), True


def _walk(
    denoise: Denoise,
    at: Tensor,
    sampler: Sampler,
    scheduler: Scheduler,
    times: Tensor,
    steps: int,
    noise: Sequence[NoiseSource],
    *,
    kept: _Kept | None = None,
) -> Iterator[Step]:
    """Run a scheduler's steps at these times, from latents in its scale."""
    extras = _step_arguments(scheduler, sampler, noise)
    calls = len(times)
    for call, timestep in enumerate(times):
        step = step_of(call, calls, steps)
        prediction = denoise(scheduler.scale_model_input(at, timestep), timestep, step).float()
        output = scheduler.step(prediction, timestep, at, **extras)
        predicted = _predicted(scheduler, output, prediction, at, timestep)
        at = output.prev_sample
        if kept is not None:
            at = kept.put_back(at, times[call + 1] if call + 1 < calls else None)
        if call + 1 == calls or step_of(call + 1, calls, steps) != step:
            yield Step(index=step, total=steps, latents=at, predicted=predicted)


def step_of(call: int, calls: int, steps: int) -> int:
    """Return the step of a model call.

    Second-order samplers (Heun, DPM2) call twice a step except in the last; PLMS calls twice in its first.

    >>> [step_of(call, 5, 3) for call in range(5)], [step_of(call, 4, 3) for call in range(4)]
    ([0, 0, 1, 1, 2], [0, 0, 1, 2])
    """
    if calls == steps:
        return call
    return call // 2 if calls == 2 * steps - 1 else max(0, call - 1)


def _step_arguments(scheduler: Scheduler, sampler: Sampler, noise: Sequence[NoiseSource]) -> dict[str, Any]:
    """Return what `step` takes besides the latents: each picture's own generator, and eta."""
    given = {"generator": [source.generator for source in noise], "eta": sampler.eta}
    taken = inspect.signature(scheduler.step).parameters
    return {name: value for name, value in given.items() if name in taken}


def _predicted(scheduler: Scheduler, output: Output, prediction: Tensor, latents: Tensor, timestep: Tensor) -> Tensor:
    """Return the predicted picture: the scheduler's own, else computed from the model's prediction.

    With a = alphas_cumprod[t] (Ho et al. 2020, eq. 15; Salimans and Ho 2022, appendix D):
    x0 = (x - sqrt(1 - a) eps) / sqrt(a) = sqrt(a) x - sqrt(1 - a) v.
    """
    for word in ("pred_original_sample", "denoised"):
        known: Tensor | None = getattr(output, word, None)
        if known is not None:
            return known
    signal = scheduler.alphas_cumprod[timestep.long().cpu()].to(latents.device)
    if scheduler.config["prediction_type"] == "v_prediction":
        return signal.sqrt() * latents - (1 - signal).sqrt() * prediction
    return (latents - (1 - signal).sqrt() * prediction) / signal.sqrt()
