"""The noise: Stable Diffusion's schedule, v-prediction targets, and a batched sampler for evaluation."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, LCMScheduler
from torch import Tensor

from training.networks import SCALING_FACTOR, Unet, Vae
from training.pixels import in_batches
from training.precision import autocast

STEPS = 1000
SCHEDULE: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.02,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": STEPS,
    "prediction_type": "v_prediction",
}
"""Stable Diffusion's, but for its end: at 0.012 the mean of 16 channels shows through the last step's noise, so that chance
chooses the paper's colour and words cannot (Lin et al. 2023, arXiv:2305.08891, section 3.1). At 0.02 a fifth of the signal is left of what was, and
every sampler still works, which at none does not hold."""

EDGE = 16
"""Of a square picture's latents."""

Scheduler = Any
"""A diffusers scheduler: its methods are hidden from type checkers as those of the networks are."""


def alphas_cumprod() -> Tensor:
    """The share of signal variance left at each of the 1,000 timesteps (Ho et al. 2020, eq. 4)."""
    betas = torch.linspace(SCHEDULE["beta_start"] ** 0.5, SCHEDULE["beta_end"] ** 0.5, STEPS) ** 2
    return (1 - betas).cumprod(0)


def noised(latents: Tensor, noise: Tensor, times: Tensor, alphas: Tensor) -> tuple[Tensor, Tensor]:
    """Return the noisy latents ``a x + s e`` and the target ``v = a e - s x`` (Salimans & Ho 2022, appendix D)."""
    a = alphas[times].sqrt()[:, None, None, None]
    s = (1 - alphas[times]).sqrt()[:, None, None, None]
    return a * latents + s * noise, a * noise - s * latents


def draw_times(count: int, generator: torch.Generator, power: float = 0.7) -> Tensor:
    """Stratified timesteps, biased to high noise, where the words decide."""
    strata = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    return (strata.clamp(max=1 - 1e-6) ** power * STEPS).long()


def make_scheduler() -> Scheduler:
    """The sampler the model is shipped with."""
    scheduler: Scheduler = DPMSolverMultistepScheduler
    return scheduler(**SCHEDULE, timestep_spacing="trailing", steps_offset=1)


def make_leaping() -> Scheduler:
    """The sampler of consistency models, for the few-step adapter."""
    scheduler: Scheduler = LCMScheduler
    return scheduler(**SCHEDULE)


@torch.no_grad()
def sample(
    unet: Unet,
    hidden: Tensor,
    negative: Tensor,
    *,
    seeds: list[int],
    steps: int = 20,
    scale: float = 6.0,
    size: tuple[int, int] = (EDGE, EDGE),
    leaps: bool = False,
) -> Tensor:
    """Sample latents (N, C, *size) for text states (N, T, W) with classifier-free guidance; one seed a picture.

    With ``leaps``, as a consistency model is sampled: noise again at every step, and no guidance.
    """
    scheduler = make_leaping() if leaps else make_scheduler()
    scheduler.set_timesteps(steps)
    shape = (int(unet.config.in_channels), *size)
    latents = torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds])
    latents = latents.to(hidden.device)
    states = torch.cat([negative.expand_as(hidden), hidden])
    again = torch.Generator().manual_seed(seeds[0])
    for time in scheduler.timesteps:
        if leaps:
            with autocast(hidden.device):
                guess = unet(latents, time, encoder_hidden_states=hidden).sample.float()
            latents = scheduler.step(guess, time, latents, generator=again).prev_sample
            continue
        with autocast(hidden.device):
            both = unet(torch.cat([latents, latents]), time, encoder_hidden_states=states).sample.float()
        without, with_text = both.chunk(2)
        latents = scheduler.step(without + scale * (with_text - without), time, latents).prev_sample
    return latents


@torch.no_grad()
def decode(vae: Vae, latents: Tensor, batch: int = 16) -> Tensor:
    """Unit-variance latents to pictures (N, 3, 128, 128) in 0..1."""
    pictures = []
    for chunk in in_batches(latents, batch):
        with autocast(chunk.device):
            pictures.append(vae.decode(chunk / SCALING_FACTOR).sample.float())
    return (torch.cat(pictures) / 2 + 0.5).clamp(0, 1)
