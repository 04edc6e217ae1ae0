"""Baking: write a constant mix into a checkpoint or one LoRA, for other programs."""

from __future__ import annotations

from lora_mixer.export.checkpoint_file import bake_checkpoint
from lora_mixer.export.folder import bake_folder
from lora_mixer.export.lora_file import OnModule, bake_lora
from lora_mixer.export.mix import Ingredient, StaticMix, require_static
from lora_mixer.export.report import BakeReport

__all__ = [
    "BakeReport",
    "Ingredient",
    "OnModule",
    "StaticMix",
    "bake_checkpoint",
    "bake_folder",
    "bake_lora",
    "require_static",
]
