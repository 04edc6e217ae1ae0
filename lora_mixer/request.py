"""Requests and where models lie. Plain values; nothing here opens a file or a model.

A request may leave settings to the defaults (`None`); `Settings` is the same with every gap filled, and a record is
written from settings only. Both are made from the tables of `lora_mixer.settings`.

>>> RenderRequest("cat", seed=7, loras={"line_art": 0.8}).loras[0].name
'line_art'
"""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.settings import RenderRequest, Settings
from lora_mixer.settings.limits import MAX_ETA, MAX_LETTERS, MAX_SEED, MAX_SIDE, MAX_STEPS

__all__ = [
    "MAX_ETA",
    "MAX_LETTERS",
    "MAX_SEED",
    "MAX_SIDE",
    "MAX_STEPS",
    "ModelSource",
    "RenderRequest",
    "Settings",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """Where a model lies.

    Attributes:
        name: The name it is called by.
        location: A `.safetensors` file, a diffusers folder, or a hub id such as `owner/name`.
        family: The base family, if stated; else it is told from the tensors.
        vae: A separate VAE file or folder.
        dtype: `float32`, `bfloat16` or `float16`; None chooses by device.
        upscaler: The file of the upscaler that is its own; None: `upscaler.safetensors` in its folder, if there is one.
    """

    name: str
    location: str
    family: str | None = None
    vae: str | None = None
    dtype: str | None = None
    upscaler: str | None = None
