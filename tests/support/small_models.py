"""Models of every family with all their layers, each a few numbers wide, in memory: random weights, the true tokenizers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTokenizer

import lora_mixer
from lora_mixer.families import Family, TextEncoderSpec
from lora_mixer.libraries.classes import TEXT_CLASSES
from lora_mixer.models import Model
from lora_mixer.models.components import load_tokenizer
from lora_mixer.models.unet import UNetDenoiser

WIDTH = 16  # instead of 320: SD 1.x has eight heads at every width
TEXT_WIDTH = 16
TIME_WIDTH = 8
TOKENIZER = Path(lora_mixer.__file__).parent / "data" / "emoji" / "model" / "tokenizer"


def small_model(family: Family, **schedule: object) -> Model:
    """Return a model of a family at its true depth, with parts of its noise schedule replaced."""
    torch.manual_seed(0)
    encoders = {spec.part: _text_encoder(family, spec) for spec in family.text_encoders}
    unet, vae = _unet(family), _vae(family)
    for network in (*encoders.values(), unet, vae):
        network.eval().requires_grad_(requires_grad=False)
    return Model(
        name=str(family),
        family=family,
        denoiser=UNetDenoiser(network=unet, told=family.sizes),
        text_encoders=encoders,
        vae=vae,
        tokenizers={spec.part: _tokenizer(pads_with_zero=spec.open_clip) for spec in family.text_encoders},
        scheduler_config={**family.configs["scheduler"], **schedule},
        files=(),
    )


@cache
def _tokenizer(*, pads_with_zero: bool) -> CLIPTokenizer:
    return load_tokenizer(TOKENIZER, pads_with_zero=pads_with_zero)


def _unet(family: Family) -> UNet2DConditionModel:
    plan: dict[str, Any] = dict(family.configs["unet"])
    base, heads = plan["block_out_channels"][0], plan["attention_head_dim"]
    plan["block_out_channels"] = [width * WIDTH // base for width in plan["block_out_channels"]]
    if isinstance(heads, list):
        plan["attention_head_dim"] = [count // heads[0] for count in heads]
    if family.sizes:
        plan["addition_time_embed_dim"] = TIME_WIDTH
        plan["projection_class_embeddings_input_dim"] = TEXT_WIDTH + TIME_WIDTH * len(family.sizes)
    text = TEXT_WIDTH * len(family.text_encoders)
    network: UNet2DConditionModel = UNet2DConditionModel.from_config(
        {**plan, "cross_attention_dim": text, "norm_num_groups": 8}
    )
    return network


def _vae(family: Family) -> AutoencoderKL:
    plan = {**family.configs["vae"], "block_out_channels": [8, 8, 8, 8], "norm_num_groups": 4}
    network: AutoencoderKL = AutoencoderKL.from_config(plan)
    return network


def _text_encoder(family: Family, spec: TextEncoderSpec) -> nn.Module:
    small = {
        "hidden_size": TEXT_WIDTH,
        "intermediate_size": 2 * TEXT_WIDTH,
        "projection_dim": TEXT_WIDTH,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
    }
    return TEXT_CLASSES[spec.class_name](CLIPTextConfig(**{**family.configs[spec.folder], **small}))
