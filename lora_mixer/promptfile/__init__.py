"""Prompt files and mix files: what to render, read and checked before a model is opened."""

from __future__ import annotations

from lora_mixer.promptfile.mix_file import MixFile, mix_text, parse_mix, parse_mix_file, read_mix, read_mix_file
from lora_mixer.promptfile.overrides import Overrides, describe, read_options
from lora_mixer.promptfile.plan import PlannedJob, PromptFile, SheetPlan
from lora_mixer.promptfile.reading import read_prompt_file

__all__ = [
    "MixFile",
    "Overrides",
    "PlannedJob",
    "PromptFile",
    "SheetPlan",
    "describe",
    "mix_text",
    "parse_mix",
    "parse_mix_file",
    "read_mix",
    "read_mix_file",
    "read_options",
    "read_prompt_file",
]
