"""A fresh diffusers scheduler for one job: the model's noise schedule, the sampler's class, the schedule's spacing."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

import diffusers
import torch
from torch import Tensor

from lora_mixer.choices import AUTOMATIC, SAMPLERS, SCHEDULES, TRAILING, Sampler
from lora_mixer.errors import RequestError
from lora_mixer.sampling.ancestral import DPMPPSDE, DPM2Ancestral, DPMPP2SAncestral, EulerAncestral

TRAINED = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type")
"""What a model's scheduler configuration says about its training; the rest of it is a choice of sampler."""

OURS: Mapping[str, type[EulerAncestral]] = MappingProxyType(
    {sampler.__name__: sampler for sampler in (EulerAncestral, DPM2Ancestral, DPMPP2SAncestral, DPMPPSDE)}
)
"""Samplers of our own by the name a row has; their levels and timesteps are `EulerDiscreteScheduler`'s."""


class Output(Protocol):
    """What a scheduler's step returns; some name their predicted picture besides."""

    prev_sample: Tensor


class Scheduler(Protocol):
    """What diffusers' schedulers have in common."""

    timesteps: Tensor
    alphas_cumprod: Tensor
    init_noise_sigma: float

    @property
    def config(self) -> Mapping[str, Any]:
        """The arguments it was made with."""

    def scale_model_input(self, sample: Tensor, timestep: Tensor, /) -> Tensor:
        """Return the latents as the model shall see them."""

    def set_timesteps(self, steps: int, /, **options: object) -> None:
        """Lay out this many steps."""

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor, /) -> Tensor:
        """Return pictures with as much noise as these timesteps expect."""

    def step(self, model_output: Tensor, timestep: Tensor, sample: Tensor, /, **options: object) -> Output:
        """Return the latents one call further."""


def build_scheduler(sampler: Sampler, trained: Mapping[str, Any], steps: int, device: torch.device) -> Scheduler:
    """Return a new scheduler, set to this many steps.

    Args:
        sampler: The sampler and schedule asked for.
        trained: The model's scheduler configuration, in diffusers' words.
        steps: How many steps to take.
        device: Where the latents are.

    Raises:
        RequestError: The sampler cannot take so many steps, or not this model: one that predicts the velocity, or
            one with a zero terminal signal-to-noise ratio.
    """
    row = sampler.row
    if row.epsilon_only and trained.get("prediction_type") == "v_prediction":
        raise RequestError(
            f"the model predicts the velocity (v-prediction), which {row.name} cannot", remedy="Use DDIM or UniPC."
        )
    arguments = {key: trained[key] for key in TRAINED if trained.get(key) is not None}
    if trained.get("rescale_betas_zero_snr"):
        if not _takes(row.scheduler, "rescale_betas_zero_snr"):
            able = [other.name for other in SAMPLERS if _takes(other.scheduler, "rescale_betas_zero_snr")]
            raise RequestError(
                f"the model starts from pure noise (zero terminal SNR), which {row.name} cannot",
                remedy=f"Use one of {', '.join(able)}.",
            )
        arguments["rescale_betas_zero_snr"] = True
    with warnings.catch_warnings():
        # diffusers hands tensors to numpy in a way numpy 2 deprecates
        warnings.filterwarnings("ignore", "__array_", DeprecationWarning)
        scheduler = _built(sampler, arguments | {**row.options, **_spacing(sampler, trained)})
        _set_steps(scheduler, steps, device, row.name)
    return scheduler


def times_after(scheduler: Scheduler, count: int) -> Tensor:
    """Return the times a scheduler has left after its first steps are left out, to start from a picture with noise.

    Its own list stays whole: that is where it looks up which step is the last.
    """
    times = scheduler.timesteps
    if isinstance(scheduler, diffusers.PNDMScheduler):  # it takes its second time twice, whichever that is
        left = torch.cat([times[:1], times[2:]])[count:]
        return torch.cat([left[:2], left[1:]])
    first = count * getattr(scheduler, "order", 1)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    return times[first:]


def schedule_in_use(sampler: Sampler, trained: Mapping[str, Any]) -> str:
    """Return what `Automatic` means here: trailing where the model asks for it, else the sampler's own schedule."""
    if sampler.schedule != AUTOMATIC:
        return sampler.schedule
    if trained.get("timestep_spacing") == "trailing" and TRAILING in sampler.row.schedules:
        return TRAILING
    return sampler.row.schedules[0]


def _spacing(sampler: Sampler, trained: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schedule's arguments that the class has; a class without spacing has one of its own (`Uniform`)."""
    wanted = SCHEDULES[schedule_in_use(sampler, trained)]
    return {key: value for key, value in wanted.items() if _takes(sampler.row.scheduler, key)}


def _built(sampler: Sampler, arguments: Mapping[str, Any]) -> Scheduler:
    made: Any = OURS.get(sampler.row.scheduler) or getattr(diffusers, sampler.row.scheduler)
    eta = {"eta": sampler.eta} if sampler.row.scheduler in OURS else {}
    scheduler: Scheduler = made(**arguments, **eta)
    return scheduler


def _takes(scheduler: str, argument: str) -> bool:
    known = getattr(diffusers, "EulerDiscreteScheduler" if scheduler in OURS else scheduler)
    return argument in inspect.signature(known.__init__).parameters


def _set_steps(scheduler: Scheduler, steps: int, device: torch.device, name: str) -> None:
    options = {}
    if "original_inference_steps" in inspect.signature(scheduler.set_timesteps).parameters:
        options["original_inference_steps"] = max(steps, scheduler.config["original_inference_steps"])
    try:
        scheduler.set_timesteps(steps, device=device, **options)
    except ValueError as error:
        raise RequestError(f"the sampler {name} cannot take {steps} steps", remedy="Use fewer.") from error
