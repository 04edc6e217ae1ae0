"""Decode latents into pixels, even if a half-precision decoder overflows."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from lora_mixer.errors import RenderError
from lora_mixer.kernels.layout import to_channels_last
from lora_mixer.kernels.memory import available_bytes
from lora_mixer.libraries.classes import AutoencoderKL

ELEMENTS_PER_PIXEL = 6
"""A decoder's peak memory per pixel and channel of its last level, measured on SD 1.5's."""

SHARE = 0.5
"""Untiled decoding may take this share of the free memory."""


def must_tile(vae: AutoencoderKL, height: int, width: int) -> bool:
    """Return whether memory is too short to decode a picture of height x width pixels in one piece."""
    free = available_bytes()
    channels = int(vae.config["block_out_channels"][0])
    return free is not None and height * width * channels * ELEMENTS_PER_PIXEL * vae.dtype.itemsize > SHARE * free


def latents_apart(vae: AutoencoderKL, device: torch.device) -> tuple[Tensor | float, Tensor | float]:
    """Return the per-channel mean and deviation of a model's latents, if it defines them (Playground 2.5)."""
    said = [vae.config.get(key) for key in ("latents_mean", "latents_std")]
    if None in said:
        return 0.0, 1.0
    mean, std = (torch.tensor(values, dtype=torch.float32, device=device).view(1, -1, 1, 1) for values in said)
    return mean, std


def decode(vae: AutoencoderKL, latents: Tensor, *, tiled: bool = False) -> Tensor:
    """Return the pictures of latents (n, c, h, w) as uint8 (n, H, W, 3) on the CPU.

    A half-precision decoder that overflows (SDXL's own does in float16) is moved to float32 for good; the warning
    that says so comes once.

    Args:
        vae: The decoder.
        latents: Scaled latents as the denoiser sees them, on the device the decoder computes on.
        tiled: Decode in overlapping tiles: about a third of the memory, a little slower.

    Raises:
        RenderError: The picture is not finite in float32 either.
    """
    vae.use_tiling = tiled
    with torch.inference_mode():
        pictures = _decode(vae, latents)
        if not pictures.isfinite().all() and vae.dtype != torch.float32:
            warnings.warn(f"the VAE overflows in {vae.dtype}; it decodes in float32 from now on", stacklevel=2)
            nn.Module.to(vae, torch.float32)
            pictures = _decode(vae, latents)
    if not pictures.isfinite().all():
        raise RenderError(
            "the decoded picture is not finite", remedy="Lower the LoRA strengths, or choose another VAE."
        )
    return pictures.add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().contiguous()


def _decode(vae: AutoencoderKL, latents: Tensor) -> Tensor:
    """Return the pictures in -1..1 as float32 (n, 3, H, W)."""
    mean, std = latents_apart(vae, latents.device)
    scaled = latents.to(torch.float32) * std / vae.config["scaling_factor"] + mean
    picture: Tensor = vae.decode(to_channels_last(scaled.to(vae.dtype)), return_dict=False)[0]
    return picture.float()
