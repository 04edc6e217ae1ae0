"""Encode pixels into latents, even if a half-precision encoder overflows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lora_mixer.errors import RenderError
from lora_mixer.kernels.layout import to_channels_last
from lora_mixer.libraries.classes import AutoencoderKL
from lora_mixer.models.decode import latents_apart


def encode(vae: AutoencoderKL, pictures: Tensor, *, tiled: bool = False, kept: Tensor | None = None) -> Tensor:
    """Return the latents (n, c, h, w), float32, of pictures: uint8 (n, H, W, 3).

    The mean of the encoder's distribution is taken, as ComfyUI does: one picture always gives the same latent, and a
    seed's first noise stays the one that is put on it. A1111 and diffusers draw a sample; what that adds to a picture of
    the embedded model is a quarter of a level of 255 on average. An encoder that overflows in half precision is moved to
    float32 for good, as the decoder is.

    Args:
        vae: The encoder.
        pictures: Pictures on the device the encoder computes on, their sides multiples of the latent scale.
        tiled: Encode in overlapping tiles: less memory, a little slower.
        kept: Which pixels are seen, 1 or 0, (n, 1, H, W): the others are the encoder's 0, a middle grey, as inpainting
            models were taught. None: all of them.

    Raises:
        RenderError: The latents are not finite in float32 either.
    """
    vae.use_tiling = tiled
    with torch.inference_mode():
        latents = _encode(vae, pictures, kept)
        if not latents.isfinite().all() and vae.dtype != torch.float32:
            nn.Module.to(vae, torch.float32)
            latents = _encode(vae, pictures, kept)
    if not latents.isfinite().all():
        raise RenderError("the encoded picture is not finite", remedy="Choose another VAE, or a latent upscaler.")
    return latents


def encode_distribution(vae: AutoencoderKL, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation (n, c, h, w), float32 on the CPU, of pictures' latents: uint8 (n, H, W, 3).

    What a trainer draws from: latent = mean + deviation * noise (Kingma and Welling 2013, arXiv:1312.6114, section 2.4).

    Raises:
        RenderError: The latents are not finite in float32 either.
    """
    with torch.inference_mode():
        mean, deviation = _distribution(vae, pictures)
        if not mean.isfinite().all() and vae.dtype != torch.float32:
            nn.Module.to(vae, torch.float32)
            mean, deviation = _distribution(vae, pictures)
    if not mean.isfinite().all() or not deviation.isfinite().all():
        raise RenderError("the encoded picture is not finite", remedy="Choose another VAE.")
    return mean.cpu().clone(), deviation.cpu().clone()


def _distribution(vae: AutoencoderKL, pictures: Tensor) -> tuple[Tensor, Tensor]:
    scaled = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    latents = vae.encode(to_channels_last(scaled.to(vae.dtype)), return_dict=False)[0]
    factor: float = vae.config["scaling_factor"]
    mean, std = latents_apart(vae, latents.mean.device)
    return (latents.mean.float() - mean) * factor / std, latents.std.float() * factor / std


def _encode(vae: AutoencoderKL, pictures: Tensor, kept: Tensor | None) -> Tensor:
    scaled = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    scaled = scaled if kept is None else scaled * kept
    latents: Tensor = vae.encode(to_channels_last(scaled.to(vae.dtype)), return_dict=False)[0].mode()
    factor: float = vae.config["scaling_factor"]
    mean, std = latents_apart(vae, latents.device)
    return (latents.float() - mean) * factor / std
