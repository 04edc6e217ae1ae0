"""Prompt files and mix files: what to render, read and checked before a model is opened."""

from __future__ import annotations

from lora_mixer.promptfile.mix_file import mix_text, parse_mix, read_mix
from lora_mixer.promptfile.overrides import Overrides, describe, read_options
from lora_mixer.promptfile.plan import PlannedJob, PromptFile, SheetPlan
from lora_mixer.promptfile.reading import read_prompt_file

__all__ = [
    "Overrides",
    "PlannedJob",
    "PromptFile",
    "SheetPlan",
    "describe",
    "mix_text",
    "parse_mix",
    "read_mix",
    "read_options",
    "read_prompt_file",
]
