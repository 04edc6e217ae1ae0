"""What the denoiser is shown and what it shall answer: noise, timesteps, targets, and what each timestep counts.

Letters: a = alphas_cumprod[t], the share of signal (Ho et al. 2020, arXiv:2006.11239, eq. 4); SNR = a / (1 - a).
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor
from torch.nn import functional as F  # noqa: N812

from lora_mixer.trainer.settings import TrainSettings

_MOST_SNR = 1000.0
"""Debiased weights stop here (sd-scripts)."""


def noise_like(latents: Tensor, settings: TrainSettings, generator: Generator) -> Tensor:
    """Return noise in the shape of latents (n, c, h, w), float32 on the CPU.

    With `noise_offset` a number a channel is added, which teaches dark and bright pictures (Guttenberg 2023, "Diffusion
    with Offset Noise"). With `multires` noise of ever coarser sizes is added, enlarged, level i counting discount^i, and the
    whole brought back to unit deviation (Kasiopy 2023, "Multi-Resolution Noise for Diffusion Model Training"; each level is
    2 to 4 times as coarse as the one before, and the first is of full size, as there and in sd-scripts).
    """
    count, channels, height, width = latents.shape
    noise = torch.randn((count, channels, height, width), generator=generator)
    if settings.noise_offset:
        noise += settings.noise_offset * torch.randn((count, channels, 1, 1), generator=generator)
    for i in range(settings.multires):
        coarseness = (2 + 2 * torch.rand((), generator=generator).item()) ** i
        small = max(int(height / coarseness), 1), max(int(width / coarseness), 1)
        coarse = torch.randn((count, channels, *small), generator=generator)
        noise += F.interpolate(coarse, size=(height, width), mode="bilinear") * settings.multires_discount**i
        if 1 in small:
            break
    return noise / noise.std() if settings.multires else noise


def noised(latents: Tensor, noise: Tensor, shares: Tensor) -> Tensor:
    """Return sqrt(a) x + sqrt(1 - a) e for latents x and noise e (n, c, h, w) and shares a (n,)."""
    a = shares.to(latents)[:, None, None, None]
    return a.sqrt() * latents + (1 - a).sqrt() * noise


def target_of(latents: Tensor, noise: Tensor, shares: Tensor, prediction: str) -> Tensor:
    """Return what the denoiser shall answer: e, or v = sqrt(a) e - sqrt(1 - a) x (Salimans and Ho 2022, appendix D)."""
    if prediction != "v_prediction":
        return noise
    a = shares.to(latents)[:, None, None, None]
    return a.sqrt() * noise - (1 - a).sqrt() * latents


def weights_of(shares: Tensor, settings: TrainSettings, prediction: str) -> Tensor:
    """Return what each timestep's loss counts (n,).

    Min-SNR: min(SNR, gamma) / SNR, for v over SNR + 1 (Hang et al. 2023, arXiv:2303.09556, section 3.4). Debiased:
    1 / sqrt(SNR), for v 1 / (SNR + 1) (Yu et al. 2023, arXiv:2310.08442, as sd-scripts has it).
    """
    velocity = prediction == "v_prediction"
    snr = shares / (1 - shares)
    if settings.min_snr_gamma is not None:
        limited = snr.clamp(max=settings.min_snr_gamma)
        return limited / (snr + 1) if velocity else torch.where(snr > 0, limited / snr, 1.0)
    if settings.debiased:
        limited = snr.clamp(max=_MOST_SNR)
        return 1 / (limited + 1) if velocity else limited.clamp(min=1e-8).rsqrt()
    return torch.ones_like(snr)


def loss_of(predicted: Tensor, target: Tensor, settings: TrainSettings, shares: Tensor) -> Tensor:
    """Return the loss of every number (n, c, h, w).

    Huber: 2 c (sqrt(d^2 + c^2) - c), and 2 of that over c, `smooth_l1` (pseudo-Huber, sd-scripts).
    """
    difference = predicted - target
    if settings.loss == "l2":
        return difference.square()
    c = huber_c_of(shares, settings).to(difference)[:, None, None, None]
    square = difference.square()
    pseudo = 2 * square / ((square + c * c).sqrt() + c)  # sqrt(d^2 + c^2) - c loses all digits where d is small
    return pseudo * c if settings.loss == "huber" else pseudo


def huber_c_of(shares: Tensor, settings: TrainSettings) -> Tensor:
    """Return where Huber's loss turns straight at each timestep (n,).

    `constant`: c. `snr`: (1 - c) / (1 + sigma)^2 + c with sigma = sqrt((1 - a) / a), so that steps with little noise are
    nearly square and noisy ones robust (sd-scripts `get_huber_threshold_if_needed`).
    """
    c = torch.full_like(shares, settings.huber_c)
    if settings.huber_schedule == "constant":
        return c
    sigma = ((1 - shares) / shares).sqrt()
    return (1 - c) / (1 + sigma).square() + c
