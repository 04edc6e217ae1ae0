"""The full-size architectures, from diffusers' and transformers' own classes, without a byte of their weights."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from typing import Any

import torch
from torch import nn

from lora_mixer.errors import ModelError
from lora_mixer.models.index import index_of
from lora_mixer.modules import Family, ModuleIndex

PARTS = {"unet": "unet", "text_encoder": "te1", "text_encoder_2": "te2"}
"""Folder of a diffusers model -> part of a `ModuleName`."""


def config(family: Family, folder: str) -> dict[str, Any] | None:
    """Return the configuration of one component (`unet`, `text_encoder`, ...) or None if the family has none."""
    data = resources.files("lora_mixer") / "data"
    home = data / "emoji" / "model" if family is Family.EMOJI else data / "configs" / family.value
    path = home / folder / "config.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


@lru_cache(maxsize=len(Family))
def family_index(family: Family) -> ModuleIndex:
    """Return the module index of a family's architecture, built on the meta device and kept."""
    configs = {part: config(family, folder) for folder, part in PARTS.items()}
    return index_of(family, {part: _build(found) for part, found in configs.items() if found is not None})


def _build(settings: dict[str, Any]) -> nn.Module:
    """Return a component on the meta device."""
    from lora_mixer.libraries.classes import (
        CLIPTextConfig,
        CLIPTextModel,
        CLIPTextModelWithProjection,
        UNet2DConditionModel,
    )

    name = settings.get("_class_name") or settings["architectures"][0]
    text = {"CLIPTextModel": CLIPTextModel, "CLIPTextModelWithProjection": CLIPTextModelWithProjection}
    with torch.device("meta"):
        if name == "UNet2DConditionModel":
            unet: nn.Module = UNet2DConditionModel.from_config(settings)
            return unet
        if name in text:
            encoder: nn.Module = text[name](CLIPTextConfig(**settings))
            return encoder
    raise ModelError(f"{name} is not a component adapters can change")
