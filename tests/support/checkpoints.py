"""Checkpoints of every family at true layout and small width, with the networks they were written from."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from lora_mixer.families import SD1, SD2, SDXL, SDXL_REFINER, Family
from tests.support import ldm_layout as ldm

WIDTH = 64  # instead of 320: the least that SD 2.x's heads of 64 allow
PREFIXES = {
    (SD1, "te1"): "cond_stage_model.transformer.",
    (SD2, "te1"): "cond_stage_model.model.",
    (SDXL, "te1"): "conditioner.embedders.0.transformer.",
    (SDXL, "te2"): "conditioner.embedders.1.model.",
    (SDXL_REFINER, "te2"): "conditioner.embedders.0.model.",
}


class Written(NamedTuple):
    """A checkpoint's tensors and the networks they came from."""

    tensors: dict[str, Tensor]
    networks: dict[str, nn.Module]


def _unet(family: Family) -> nn.Module:
    plan = dict(family.configs.get("unet", {}))
    base = plan["block_out_channels"][0]
    plan["block_out_channels"] = [width * WIDTH // base for width in plan["block_out_channels"]]
    if isinstance(plan["attention_head_dim"], list):
        plan["attention_head_dim"] = [heads * WIDTH // base for heads in plan["attention_head_dim"]]
    return UNet2DConditionModel.from_config(plan)


def _vae(family: Family) -> nn.Module:
    return AutoencoderKL.from_config({**(family.configs.get("vae", {})), "block_out_channels": [32, 64, 128, 128]})


def _small(plan: dict[str, Any], words: int) -> CLIPTextConfig:
    return CLIPTextConfig(**{**plan, "vocab_size": words, "num_hidden_layers": 2, "intermediate_size": 64})


def write(family: Family, *, words: int = 50) -> Written:
    """Write a family's checkpoint; a folder saved from it is opened again only with as many words as its tokenizer has."""
    torch.manual_seed(0)
    networks: dict[str, nn.Module] = {"unet": _unet(family), "vae": _vae(family)}
    if family is SD2:  # what tells models of velocity, which these are, from those of noise
        norm = networks["unet"].get_submodule("up_blocks.3.attentions.2.transformer_blocks.0.norm1")
        nn.init.normal_(norm.bias, std=0.2)
    tensors = ldm.unet_in_ldm(networks["unet"]) | ldm.vae_in_ldm(networks["vae"])
    for part, folder, network in (
        ("te1", "text_encoder", CLIPTextModel),
        ("te2", "text_encoder_2", CLIPTextModelWithProjection),
    ):
        plan = family.configs.get(folder)
        if plan is not None:
            networks[part] = network(_small(plan, words))
            prefix = PREFIXES[family, part]
            spell = ldm.open_clip_in_ldm if prefix.endswith(".model.") else ldm.clip_in_ldm
            tensors |= spell(networks[part], prefix)
    for network in networks.values():
        network.eval().requires_grad_(False)
    return Written({key: value.contiguous() for key, value in tensors.items()}, networks)
