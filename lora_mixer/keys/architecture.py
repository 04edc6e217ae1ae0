"""What tells the families apart, from the configurations this package carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from lora_mixer.modules import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One family's telling numbers.

    Attributes:
        cross: Width of the text that cross attention sees.
        channels: Widths of the UNet's levels.
        attention: Widths of the levels that have attention, the middle included.
        levels: Number of levels.
        depth: Transformer blocks of the deepest attention.
        text: Width of each text encoder, by part.
    """

    cross: int
    channels: frozenset[int]
    attention: frozenset[int]
    levels: int
    depth: int
    text: Mapping[str, int]


@lru_cache(maxsize=1)
def architectures() -> Mapping[Family, Architecture]:
    """Return the numbers of every family."""
    return {family: _read(family) for family in Family}


def _read(family: Family) -> Architecture:
    unet = _config(family, "unet") or {}
    channels: list[int] = unet["block_out_channels"]
    depth = unet.get("transformer_layers_per_block", 1)
    attended = [
        width for width, kind in zip(channels, unet["down_block_types"], strict=True) if kind.startswith("CrossAttn")
    ]
    encoders = {part: _config(family, folder) for part, folder in (("te1", "text_encoder"), ("te2", "text_encoder_2"))}
    found = {part: config for part, config in encoders.items() if config}
    return Architecture(
        cross=unet["cross_attention_dim"],
        channels=frozenset(channels),
        attention=frozenset((*attended, channels[-1])),
        levels=len(channels),
        depth=max(depth) if isinstance(depth, list) else depth,
        text={part: config["hidden_size"] for part, config in found.items()},
    )


def _config(family: Family, folder: str) -> dict[str, Any] | None:
    data = resources.files("lora_mixer") / "data"
    home = data / "emoji" / "model" if family is Family.EMOJI else data / "configs" / family.value
    path = home / folder / "config.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
