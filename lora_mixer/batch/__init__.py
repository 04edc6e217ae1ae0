"""Many pictures: prompt files, ledgers, workers and sheets. Nothing here needs torch but `lora_mixer.batch.renderer`."""

from __future__ import annotations

from lora_mixer.batch.estimate import estimate, outline
from lora_mixer.batch.ledger import Entry, Ledger
from lora_mixer.batch.mix_file import mix_text, parse_mix, read_mix
from lora_mixer.batch.order import order
from lora_mixer.batch.overrides import Overrides, describe, read_options
from lora_mixer.batch.promptfile import Job, PromptFile, SheetPlan, read_prompt_file

__all__ = [
    "Entry",
    "Job",
    "Ledger",
    "Overrides",
    "PromptFile",
    "SheetPlan",
    "describe",
    "estimate",
    "mix_text",
    "order",
    "outline",
    "parse_mix",
    "read_mix",
    "read_options",
    "read_prompt_file",
]
