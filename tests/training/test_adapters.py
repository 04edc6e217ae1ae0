"""The trainer's adapters: kohya's names, exact zero, and forward equal to merged weights, for every recipe."""

from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextModel

from training.adapters.adapter import Adapter, stacked
from training.adapters.names import text_targets, unet_targets
from training.adapters.read import read_adapter
from training.adapters.recipes import RECIPES, Recipe
from training.networks import make_text_encoder, make_unet


@pytest.fixture(scope="module")
def models() -> tuple[CLIPTextModel, UNet2DConditionModel]:
    torch.manual_seed(0)
    text, unet = make_text_encoder(50), make_unet()
    for model in (text, unet):
        model.eval().requires_grad_(requires_grad=False)
    return text, unet


def shaken(recipe: Recipe, models: tuple[CLIPTextModel, UNet2DConditionModel]) -> Adapter:
    adapter = Adapter(recipe, *models)
    with torch.no_grad():
        for parameter in adapter.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    return adapter


def render(models: tuple[CLIPTextModel, UNet2DConditionModel]) -> torch.Tensor:
    text, unet = models
    with torch.no_grad():
        states = text(torch.tensor([[0, 5, 7, 49]])).last_hidden_state
        torch.manual_seed(1)
        output: torch.Tensor = unet(torch.randn(1, 4, 16, 16), 500, states).sample
    return output


def test_every_kohya_name_is_a_modules_path_with_underscores(
    models: tuple[CLIPTextModel, UNet2DConditionModel],
) -> None:
    text, unet = models
    paths = {"lora_unet_" + path.replace(".", "_"): layer for path, layer in unet.named_modules()}
    targets = unet_targets(unet, conv=True)
    assert all(paths[name] is layer for name, layer in targets.items())
    assert "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k" in targets
    assert "lora_te_text_model_encoder_layers_0_self_attn_q_proj" in text_targets(text)
    assert len(text_targets(text)) == 3 * 6


def test_a_locon_also_reaches_every_convolution_of_the_blocks(
    models: tuple[CLIPTextModel, UNet2DConditionModel],
) -> None:
    plain, wide = (unet_targets(models[1], conv=conv) for conv in (False, True))
    assert plain.keys() < wide.keys()
    assert any(isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3) for layer in wide.values())


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_forward_equals_merged_weight_and_taking_off_is_exact(
    recipe: Recipe,
    models: tuple[CLIPTextModel, UNet2DConditionModel],
) -> None:
    before = render(models)
    adapter = shaken(recipe, models)
    with adapter.on(0.6):
        forward = render(models)
    with torch.no_grad(), stacked([(adapter, 0.6)]):
        merged = render(models)
    assert torch.allclose(forward, merged, atol=1e-5)
    assert not torch.allclose(forward, before, atol=1e-3)
    assert torch.equal(render(models), before)


def test_a_fresh_adapter_changes_nothing(models: tuple[CLIPTextModel, UNet2DConditionModel]) -> None:
    before = render(models)
    for recipe in RECIPES:
        with Adapter(recipe, *models).on(1.0):
            assert torch.equal(render(models), before)


def test_a_saved_adapter_reads_back(models: tuple[CLIPTextModel, UNet2DConditionModel], tmp_path) -> None:
    recipe = RECIPES[0]
    adapter = shaken(recipe, models)
    path = tmp_path / f"{recipe.name}.safetensors"
    save_file(adapter.slots(), path)
    again = read_adapter(path, *models)
    for key, tensor in adapter.slots().items():
        assert torch.equal(again.slots()[key], tensor)
        assert not key.endswith(".alpha") or tensor.dim() == 0
