"""Many pictures: prompt files, manifests and sheets. Nothing here needs torch but `lora_mixer.batch.run`."""

from __future__ import annotations

from lora_mixer.batch.estimate import estimate
from lora_mixer.batch.overrides import Overrides, describe
from lora_mixer.batch.promptfile import Job, PromptFile, SheetPlan, read_prompt_file

__all__ = ["Job", "Overrides", "PromptFile", "SheetPlan", "describe", "estimate", "read_prompt_file"]
