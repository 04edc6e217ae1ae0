"""From pixels to latents, also where a half-precision encoder overflows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lora_mixer.errors import RenderError
from lora_mixer.kernels.layout import to_channels_last
from lora_mixer.libraries.classes import AutoencoderKL
from lora_mixer.models.decode import latents_apart


def encode(vae: AutoencoderKL, pictures: Tensor, *, tiled: bool = False) -> Tensor:
    """Return the latents (n, c, h, w), float32, of pictures: uint8 (n, H, W, 3).

    The mean of the encoder's distribution is taken, so one picture always gives the same latent. An encoder that
    overflows in half precision is moved to float32 for good, as the decoder is.

    Args:
        vae: The encoder.
        pictures: Pictures on the device the encoder computes on, their sides multiples of the latent scale.
        tiled: Encode in overlapping tiles: less memory, a little slower.

    Raises:
        RenderError: The latents are not finite in float32 either.
    """
    vae.use_tiling = tiled
    with torch.inference_mode():
        latents = _encode(vae, pictures)
        if not latents.isfinite().all() and vae.dtype != torch.float32:
            nn.Module.to(vae, torch.float32)
            latents = _encode(vae, pictures)
    if not latents.isfinite().all():
        raise RenderError("the encoded picture is not finite", remedy="Choose another VAE, or a latent upscaler.")
    return latents


def _encode(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    scaled = pictures.permute(0, 3, 1, 2).float() / 127.5 - 1
    latents: Tensor = vae.encode(to_channels_last(scaled.to(vae.dtype)), return_dict=False)[0].mode()
    factor: float = vae.config["scaling_factor"]
    mean, std = latents_apart(vae, latents.device)
    return (latents.float() - mean) * factor / std
