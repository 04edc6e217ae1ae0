"""What can be chosen by name, as tables of plain values: samplers, schedules. Nothing here needs torch."""

from __future__ import annotations

from lora_mixer.choices.samplers import AUTOMATIC, SAMPLERS, SCHEDULES, TRAILING, Sampler, SamplerRow, find_sampler

__all__ = [
    "AUTOMATIC",
    "SAMPLERS",
    "SCHEDULES",
    "TRAILING",
    "Sampler",
    "SamplerRow",
    "find_sampler",
]
