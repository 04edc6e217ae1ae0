"""Kernels: what makes networks fast on the device they are on, without changing what they compute."""

from __future__ import annotations

from lora_mixer.kernels.attention import Heard
from lora_mixer.kernels.heap import memory_at_hand
from lora_mixer.kernels.layout import laid_out
from lora_mixer.kernels.memory import release_memory
from lora_mixer.kernels.packing import Packed, gains_as_matrix, multiplied, multiplied_and_added, packed_matrix
from lora_mixer.kernels.timing import shortest
from lora_mixer.kernels.tuning import tune

__all__ = [
    "Heard",
    "Packed",
    "gains_as_matrix",
    "laid_out",
    "memory_at_hand",
    "multiplied",
    "multiplied_and_added",
    "packed_matrix",
    "release_memory",
    "shortest",
    "tune",
]
