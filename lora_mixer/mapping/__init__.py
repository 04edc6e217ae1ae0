"""Adapters onto models: exact names, shapes that fit, and an account of every tensor."""

from lora_mixer.mapping.mapped import MappedAdapter
from lora_mixer.mapping.mapping import map_adapter
from lora_mixer.mapping.opening import open_adapter
from lora_mixer.mapping.report import Fate, MappingReport, SectionCount, TensorEntry
from lora_mixer.renamed import moved

__all__ = [
    "Fate",
    "MappedAdapter",
    "MappingReport",
    "SectionCount",
    "TensorEntry",
    "map_adapter",
    "open_adapter",
]

__getattr__ = moved(__name__)
