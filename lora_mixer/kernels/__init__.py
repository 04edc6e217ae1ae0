"""Kernels: what makes networks fast on the device they are on, without changing what they compute."""

from __future__ import annotations

from lora_mixer.kernels.attention import AttentionWatch, Coupling, TextKV, text_keys_and_values
from lora_mixer.kernels.heap import retain_heap
from lora_mixer.kernels.kernels import Kernels
from lora_mixer.kernels.layout import to_channels_last
from lora_mixer.kernels.memory import ran_out, release_memory
from lora_mixer.kernels.packing import Packed, benefits_from_packing, multiplied, multiplied_and_added, packed_matrix
from lora_mixer.kernels.timing import shortest

__all__ = [
    "AttentionWatch",
    "Coupling",
    "Kernels",
    "Packed",
    "TextKV",
    "benefits_from_packing",
    "multiplied",
    "multiplied_and_added",
    "packed_matrix",
    "ran_out",
    "release_memory",
    "retain_heap",
    "shortest",
    "text_keys_and_values",
    "to_channels_last",
]
