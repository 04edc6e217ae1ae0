"""Read a shipped adapter back: the file's tensors into the trainer's own factors."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import CLIPTextModel

from training.adapters.adapter import Adapter
from training.adapters.recipes import find_recipe
from training.networks import Unet


@torch.no_grad()
def read_adapter(path: Path, text: CLIPTextModel, unet: Unet) -> Adapter:
    """Open ``NAME.safetensors`` of the recipe NAME; every key must have its place and every place its key."""
    tensors = load_file(path)
    adapter = Adapter(find_recipe(path.stem), text, unet)
    for name, factors in adapter.items():
        factors.alpha = float(tensors.pop(f"{name}.alpha"))
        for slot, tensor in factors.slots().items():
            tensor.copy_(tensors.pop(f"{name}.{slot}").float())
    if tensors:
        raise ValueError(f"{path.name} holds keys its recipe does not: {sorted(tensors)[:5]}")
    return adapter.requires_grad_(requires_grad=False)
