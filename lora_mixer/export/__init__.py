"""Files for other programs: a constant mix as a checkpoint or one LoRA, and a LoRA from two checkpoints."""

from __future__ import annotations

from lora_mixer.export.checkpoint_file import bake_checkpoint
from lora_mixer.export.extraction import Extraction, check_place, extract_lora
from lora_mixer.export.folder import bake_folder
from lora_mixer.export.lora_file import OnModule, bake_lora
from lora_mixer.export.mix import Ingredient, StaticMix, require_static
from lora_mixer.export.report import BakeReport

__all__ = [
    "BakeReport",
    "Extraction",
    "Ingredient",
    "OnModule",
    "StaticMix",
    "bake_checkpoint",
    "bake_folder",
    "bake_lora",
    "check_place",
    "extract_lora",
    "require_static",
]
