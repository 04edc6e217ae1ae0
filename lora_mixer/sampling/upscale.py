"""Enlarge latents and pictures between passes."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from lora_mixer.choices import Upscaler

RESAMPLING = {"lanczos": Image.Resampling.LANCZOS, "nearest": Image.Resampling.NEAREST}


def upscale_latents(latents: Tensor, upscaler: Upscaler, *, height: int, width: int) -> Tensor:
    """Return latents (n, c, h, w) at another size in cells."""
    smooth = upscaler.mode in {"bilinear", "bicubic"}
    return interpolate(
        latents, size=(height, width), mode=upscaler.mode, antialias=upscaler.antialias if smooth else False
    )


def upscale_pictures(pictures: Tensor, upscaler: Upscaler, *, height: int, width: int) -> Tensor:
    """Return pictures, uint8 (n, H, W, 3), at another size in pixels."""
    how = RESAMPLING[upscaler.mode]
    resized = [Image.fromarray(picture.numpy()).resize((width, height), how) for picture in pictures]
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in resized]))
