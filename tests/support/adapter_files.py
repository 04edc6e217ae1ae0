"""Adapter files made on the spot: a module's spelling, a kind and a rank in, a safetensors file out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from lora_mixer.families import ModuleIndex
from lora_mixer.files import TensorFile, open_tensor_file
from lora_mixer.keys import ParsedAdapter, parse_adapter
from lora_mixer.modules import LayerType, ModuleSpec

RANK = 2


def lora_of(spec: ModuleSpec, spelled: str, *, rank: int = RANK, alpha: float = 1.0, underscored: bool = False):
    """Return a LoRA's tensors for a module (a zero-filled pair), under a spelling of its name."""
    up, down = ("_lora.up.weight", "_lora.down.weight") if underscored else (".lora_up.weight", ".lora_down.weight")
    kernel = (1, 1) if len(spec.weight) == 4 else ()
    return {
        f"{spelled}{up}": torch.zeros(spec.weight[0], rank, *kernel, dtype=torch.float16),
        f"{spelled}{down}": torch.zeros(rank, *spec.weight[1:], dtype=torch.float16),
        f"{spelled}.alpha": torch.tensor(alpha),
    }


def write(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> TensorFile:
    save_file(dict(tensors), path, metadata=dict(metadata) if metadata else None)
    return open_tensor_file(path)


def parsed(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> ParsedAdapter:
    return parse_adapter(write(path, tensors, metadata))


def weighted(index: ModuleIndex) -> Iterable[ModuleSpec]:
    """Return the linear layers and convolutions of a model."""
    return [spec for spec in index if spec.operator in {LayerType.LINEAR, LayerType.CONV}]
