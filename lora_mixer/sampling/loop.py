"""The sampling loop: a denoiser, a scheduler and noise in; one step after the other out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from lora_mixer.choices import Sampler
from lora_mixer.errors import RequestError
from lora_mixer.sampling.noise import NoiseSource, starting_noise
from lora_mixer.sampling.schedulers import Output, Scheduler, build_scheduler, times_after


class Denoise(Protocol):
    """What a sampler needs of a model: the prediction for latents (n, c, h, w) at a timestep, guidance included."""

    def __call__(self, latents: Tensor, timestep: Tensor, step: int, /) -> Tensor:
        """Return the model's prediction, shaped as `latents`; `step` counts the sampler's steps from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One finished step.

    Attributes:
        index: Its number, from 0.
        total: How many there are.
        latents: Where sampling stands, float32 (n, c, h, w).
        predicted: The picture it is heading for, as latents: what a preview shows.
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
) -> Iterator[Step]:
    """Sample a batch, yielding after every step. To cancel, stop iterating.

    Args:
        denoise: The model, guidance included.
        latents: Starting noise of unit variance (n, c, h, w), on the device to sample on.
        sampler: Which sampler and schedule.
        scheduler_config: The noise schedule the model was trained with, in diffusers' words.
        steps: How many steps.
        noise: One source for every latent; ancestral and SDE samplers draw from it.

    Raises:
        RequestError: The sampler cannot take this model or this many steps.
    """
    scheduler = _scheduler(latents, sampler, scheduler_config, steps, noise)
    at = latents.float() * scheduler.init_noise_sigma
    return _walk(denoise, at, sampler, scheduler, scheduler.timesteps, steps, noise)


def resample(
    denoise: Denoise,
    pictures: Tensor,
    sampler: Sampler,
    scheduler_config: Mapping[str, Any],
    steps: int,
    noise: Sequence[NoiseSource],
    *,
    strength: float,
) -> Iterator[Step]:
    """Sample a batch from pictures that are there: noise is put on them, and that much is taken off again.

    As many steps are taken as asked for: the last of a course of `course_of(steps, strength)`.

    Args:
        denoise: The model, guidance included; its steps count from 0.
        pictures: Latents of pictures (n, c, h, w), on the device to sample on.
        sampler: Which sampler and schedule.
        scheduler_config: The noise schedule the model was trained with, in diffusers' words.
        steps: How many steps.
        noise: One source for every latent, not drawn from yet.
        strength: How much is drawn anew, above 0 and up to 1.

    Raises:
        RequestError: The sampler cannot take this model or this many steps.
    """
    whole = course_of(steps, strength)
    scheduler = _scheduler(pictures, sampler, scheduler_config, whole, noise)
    times = times_after(scheduler, whole - steps)
    fresh = starting_noise(noise, pictures.shape[1:]).to(pictures.device)
    first = times[:1].repeat(len(pictures))
    at = scheduler.add_noise(pictures.float(), fresh, first)
    return _walk(denoise, at, sampler, scheduler, times, steps, noise)


def course_of(steps: int, strength: float) -> int:
    """Return of how many steps a whole course has, whose last so many make up this strength, as A1111 counts.

    >>> course_of(10, 0.5), course_of(10, 1.0)
    (20, 10)
    """
    return int(steps / min(strength, 0.999))


def _scheduler(
    latents: Tensor, sampler: Sampler, trained: Mapping[str, Any], steps: int, noise: Sequence[NoiseSource]
) -> Scheduler:
    if len(noise) != len(latents):
        raise RequestError(f"{len(latents)} latents but {len(noise)} noise sources")
    return build_scheduler(sampler, trained, steps, latents.device)


def _walk(
    denoise: Denoise,
    at: Tensor,
    sampler: Sampler,
    scheduler: Scheduler,
    times: Tensor,
    steps: int,
    noise: Sequence[NoiseSource],
) -> Iterator[Step]:
    """Take a scheduler's steps at these times, from latents in its own scale."""
    extras = _step_arguments(scheduler, sampler, noise)
    calls = len(times)
    for call, timestep in enumerate(times):
        step = step_of(call, calls, steps)
        prediction = denoise(scheduler.scale_model_input(at, timestep), timestep, step).float()
        output = scheduler.step(prediction, timestep, at, **extras)
        predicted = _predicted(scheduler, output, prediction, at, timestep)
        at = output.prev_sample
        if call + 1 == calls or step_of(call + 1, calls, steps) != step:
            yield Step(index=step, total=steps, latents=at, predicted=predicted)


def step_of(call: int, calls: int, steps: int) -> int:
    """Return the step that a call of the model belongs to.

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
    """Return the predicted picture: the scheduler's word for it, else from the model's prediction.

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
