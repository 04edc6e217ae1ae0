"""The full-size architectures, from diffusers' and transformers' own classes, without a byte of their weights."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn

from lora_mixer.families import Family, ModuleIndex
from lora_mixer.libraries.classes import TEXT_CLASSES, CLIPTextConfig
from lora_mixer.models.denoisers import opener_of
from lora_mixer.models.index import index_of
from lora_mixer.modules import DENOISER


@lru_cache(maxsize=8)
def family_index(family: Family) -> ModuleIndex:
    """Return the module index of a family's architecture, built on the meta device and kept."""
    with torch.device("meta"):
        denoiser = opener_of(family).empty(family.configs[family.denoiser.folder])
        encoders: dict[str, nn.Module] = {
            spec.part: TEXT_CLASSES[spec.class_name](CLIPTextConfig(**family.configs[spec.folder]))
            for spec in family.text_encoders
        }
    return index_of(family, {DENOISER: denoiser, **encoders})
