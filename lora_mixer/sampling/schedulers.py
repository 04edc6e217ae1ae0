"""A fresh diffusers scheduler for one job, for schedules that are diffusers' own."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any, Protocol

import diffusers
import torch
from torch import Tensor

from lora_mixer.choices import SCHEDULES, Sampler
from lora_mixer.errors import RequestError
from lora_mixer.sampling.levels import is_continuous, trained_of
from lora_mixer.sampling.noise_schedule import schedule_in_use


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
        """Return the latents as the model expects them."""

    def set_timesteps(self, steps: int, /, **options: object) -> None:
        """Set the number of steps."""

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor, /) -> Tensor:
        """Add the noise of these timesteps to pictures."""

    def step(self, model_output: Tensor, timestep: Tensor, sample: Tensor, /, **options: object) -> Output:
        """Return the latents after one call."""


def lays_out_itself(sampler: Sampler, trained: Mapping[str, Any]) -> bool:
    """Tell whether a class of diffusers lays out the steps and takes them: its own schedule, on a model it can take."""
    row = sampler.row
    if row.scheduler is None or not SCHEDULES[schedule_in_use(sampler, trained)].spacing or is_continuous(trained):
        return False
    velocity = trained.get("prediction_type") == "v_prediction"
    pure = bool(trained.get("rescale_betas_zero_snr"))
    return not (row.epsilon_only and velocity) and not (pure and not _takes(row.scheduler, "rescale_betas_zero_snr"))


def build_scheduler(sampler: Sampler, trained: Mapping[str, Any], steps: int, device: torch.device) -> Scheduler:
    """Return a new scheduler with this many steps.

    Args:
        sampler: A sampler whose class lays out its steps itself.
        trained: The model's scheduler configuration, in diffusers' words.
        steps: How many steps to take.
        device: Where the latents are.

    Raises:
        RequestError: The sampler cannot take so many steps.
    """
    row = sampler.row
    name = str(row.scheduler)
    spacing = SCHEDULES[schedule_in_use(sampler, trained)].spacing
    taken = {key: value for key, value in spacing.items() if _takes(name, key)}
    with warnings.catch_warnings():
        # diffusers hands tensors to numpy in a way numpy 2 deprecates
        warnings.filterwarnings("ignore", "__array_", DeprecationWarning)
        scheduler: Scheduler = getattr(diffusers, name)(**trained_of(trained) | {**row.options, **taken})
        _set_steps(scheduler, steps, device, row.name)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # else it looks the first time up, and takes the second of two that are equal
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


def _takes(scheduler: str, argument: str) -> bool:
    return argument in inspect.signature(getattr(diffusers, scheduler).__init__).parameters


def _set_steps(scheduler: Scheduler, steps: int, device: torch.device, name: str) -> None:
    options = {}
    if "original_inference_steps" in inspect.signature(scheduler.set_timesteps).parameters:
        options["original_inference_steps"] = max(steps, scheduler.config["original_inference_steps"])
    try:
        scheduler.set_timesteps(steps, device=device, **options)
    except ValueError as error:
        raise RequestError(f"the sampler {name} cannot take {steps} steps", remedy="Use fewer.") from error
