"""An upscaler's file, opened: what it is, and how it enlarges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from lora_mixer.errors import ModelError
from lora_mixer.upscalers.compact import Compact, build_compact, compact_shape
from lora_mixer.upscalers.other_forms import Descriptor, load_by_spandrel
from lora_mixer.upscalers.weights import read_weights

MOST_TIMES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalingNetwork:
    """A network that enlarges pictures.

    Attributes:
        path: Its file.
        form: What it is called by those who train it, such as `ESRGAN`.
        scale: How many times as wide and high its pictures are.
        forward: Pictures (n, 3, h, w) with values from 0 to 1, on `device` in `dtype` -> (n, 3, h * scale, w * scale).
        device: Where it computes.
        dtype: In what.
        tiles: Whether it may be given a part of a picture; some must see the whole, and divide it themselves.
    """

    path: Path
    form: str
    scale: int
    forward: Callable[[Tensor], Tensor]
    device: torch.device
    dtype: torch.dtype
    tiles: bool = True


def open_upscaler(path: Path, *, device: torch.device | str = "cpu") -> UpscalingNetwork:
    """Open an upscaler: safetensors, or a pickle, which is read without unpickling.

    On a graphics card it computes in half precision where its form allows that, on the processor in float32.

    Raises:
        FileError: The file is missing or broken, or no upscaler that is known.
        ModelError: It needs the package spandrel, or does something other than enlarge colour pictures.
    """
    device, spellings = torch.device(device), read_weights(path)
    for tensors in spellings:
        if (shape := compact_shape(tensors)) is not None:
            return _compact(path, build_compact(tensors, shape), device)
    return _other(path, load_by_spandrel(spellings, str(path)), device)


def _compact(path: Path, network: Compact, device: torch.device) -> UpscalingNetwork:
    dtype = _dtype(device, half=True)
    network.eval().requires_grad_(requires_grad=False).to(device, dtype)
    return UpscalingNetwork(
        path=path, form="Compact", scale=network.shape.scale, forward=network, device=device, dtype=dtype
    )


def _other(path: Path, found: Descriptor, device: torch.device) -> UpscalingNetwork:
    if not 1 <= found.scale <= MOST_TIMES:
        raise ModelError(f"it enlarges {found.scale} times", where=str(path), remedy="Choose an upscaler of 2 to 8.")
    dtype = _dtype(device, half=found.supports_half)
    found.model.eval().requires_grad_(requires_grad=False)
    found.to(device, dtype)
    return UpscalingNetwork(
        path=path,
        form=found.architecture.name,
        scale=found.scale,
        forward=found,
        device=device,
        dtype=dtype,
        tiles=found.tiling.name != "INTERNAL",
    )


def _dtype(device: torch.device, *, half: bool) -> torch.dtype:
    return torch.float16 if half and device.type in {"cuda", "mps"} else torch.float32
