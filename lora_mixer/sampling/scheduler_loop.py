"""The loop of diffusers' schedulers that lay out their steps themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from lora_mixer.choices import Sampler
from lora_mixer.sampling.kept import KeptByScheduler
from lora_mixer.sampling.noise import NoiseSource
from lora_mixer.sampling.schedulers import Output, Scheduler
from lora_mixer.sampling.step import Denoise, Step


def walk(
    denoise: Denoise,
    at: Tensor,
    sampler: Sampler,
    scheduler: Scheduler,
    times: Tensor,
    steps: int,
    noise: Sequence[NoiseSource],
    *,
    kept: KeptByScheduler | None = None,
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
