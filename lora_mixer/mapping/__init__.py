"""Adapters onto models: exact names, shapes that fit, and an account of every tensor."""

from lora_mixer.mapping.mapped import MappedAdapter
from lora_mixer.mapping.mapping import map_adapter
from lora_mixer.mapping.opening import open_adapter
from lora_mixer.mapping.report import Entry, Fate, MappingReport, SectionCount

__all__ = [
    "Entry",
    "Fate",
    "MappedAdapter",
    "MappingReport",
    "SectionCount",
    "map_adapter",
    "open_adapter",
]
