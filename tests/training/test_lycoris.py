"""LyCORIS, reading the files by itself, finds the weight changes the trainer meant."""

from __future__ import annotations

import pytest
import torch

from training.adapters.adapter import Adapter
from training.adapters.recipes import RECIPES, Recipe
from training.networks import make_text_encoder, make_unet

lycoris = pytest.importorskip("lycoris.modules", reason="lycoris-lora is not installed")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_lycoris_rebuilds_the_same_weight_change(recipe: Recipe) -> None:
    torch.manual_seed(0)
    adapter = Adapter(recipe, make_text_encoder(50), make_unet()).requires_grad_(requires_grad=False)
    for parameter in adapter.parameters():
        parameter += 0.05 * torch.randn_like(parameter)
    tensors = adapter.slots(torch.float32)
    for name, factors in adapter.items():
        kind, slots = lycoris.get_module(tensors, name)
        module = lycoris.make_module(kind, slots, name, adapter.targets[name])
        theirs = module.get_diff_weight(1.0)[0]
        assert torch.allclose(theirs.reshape(factors.shape), factors.delta(), atol=1e-6), name
