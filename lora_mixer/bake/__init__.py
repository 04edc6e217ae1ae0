"""Baking: a mix that stays the same, written down for other programs, into a checkpoint or into one LoRA."""

from __future__ import annotations

from lora_mixer.bake.checkpoint_file import bake_checkpoint
from lora_mixer.bake.folder import bake_folder
from lora_mixer.bake.lora_file import OnModule, bake_lora
from lora_mixer.bake.mix import Ingredient, Mix, require_static
from lora_mixer.bake.report import BakeReport

__all__ = [
    "BakeReport",
    "Ingredient",
    "Mix",
    "OnModule",
    "bake_checkpoint",
    "bake_folder",
    "bake_lora",
    "require_static",
]
