"""Runs: a plan rendered into a folder, resumed where it stopped, with its sheet and index."""

from __future__ import annotations

from lora_mixer.runs.batching import plan_batches
from lora_mixer.runs.estimate import estimate, outline

__all__ = [
    "estimate",
    "outline",
    "plan_batches",
]
