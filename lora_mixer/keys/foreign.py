"""Adapters of other model families, told by names no Stable Diffusion has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """One row: a family that cannot be opened here."""

    title: str
    pattern: str


# The first row that any module of a file matches wins.
FOREIGN: tuple[Foreign, ...] = (
    Foreign(title="SD 3", pattern=r"joint_blocks|lora_te3_"),
    Foreign(title="Flux", pattern=r"single_transformer_blocks|(double|single)_blocks[._]\d"),
    Foreign(title="Stable Cascade", pattern=r"lora_prior_unet|prior\.(down|up)_blocks"),
    Foreign(title="Wan or another video model", pattern=r"(^|[._])blocks[._]\d+[._](cross|self)_attn[._]"),
    Foreign(title="Qwen-Image", pattern=r"transformer_blocks[._]\d+[._](img|txt)_(mlp|mod)"),
    Foreign(title="SD 3", pattern=r"^(lora_)?transformer[._]transformer_blocks[._]\d+[._]attn[._](add_|to_add)"),
    Foreign(title="PixArt or another transformer", pattern=r"^(lora_)?transformer[._]|adaln_single|caption_projection"),
    Foreign(title="AnimateDiff", pattern=r"motion_modules|temporal_transformer"),
    Foreign(title="Z-Image or Lumina", pattern=r"diffusion_model[._]layers[._]\d+[._](attention|feed_forward)"),
    Foreign(title="a ControlNet", pattern=r"controlnet|lllite_|input_hint_block"),
)

_COMPILED = tuple((row.title, re.compile(row.pattern)) for row in FOREIGN)
_ANY = re.compile("|".join(row.pattern for row in FOREIGN))


def foreign_family(modules: Iterable[str]) -> tuple[str, str] | None:
    """Return a foreign family and a module that shows it, or None.

    >>> foreign_family(["lora_unet_double_blocks_0_img_attn_proj"])
    ('Flux', 'lora_unet_double_blocks_0_img_attn_proj')
    """
    names = tuple(filter(_ANY.search, modules))
    for title, pattern in _COMPILED:
        shown = next((name for name in names if pattern.search(name)), None)
        if shown is not None:
            return title, shown
    return None
