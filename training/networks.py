"""The networks of the embedded model: stock diffusers and transformers classes with small numbers in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

SCALING_FACTOR = 0.18215
"""Stable Diffusion's constant: the finished VAE's latents have standard deviation ``1 / 0.18215``."""

LATENT_CHANNELS = 4
WIDTHS = (16, 32, 64, 128)
"""Of the VAE's blocks, the finest first."""

VOCABULARY = 49_408
MAX_TOKENS = 77
TEXT_WIDTH = 128

Unet = Any
"""A `UNet2DConditionModel`: diffusers builds its base class at run time, so a type checker sees none of its methods."""

Vae = Any
"""An `AutoencoderKL`, for the same reason."""


def make_vae(latent_channels: int = LATENT_CHANNELS, channels: tuple[int, ...] = WIDTHS) -> Vae:
    """A VAE from (3, 128, 128) pictures in -1..1 to latents; each of the ``channels`` but the last halves the edge."""
    network: Vae = AutoencoderKL
    return network(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * len(channels),
        up_block_types=("UpDecoderBlock2D",) * len(channels),
        block_out_channels=channels,
        layers_per_block=1,
        latent_channels=latent_channels,
        norm_num_groups=4,
        sample_size=128,
        scaling_factor=SCALING_FACTOR,
        mid_block_add_attention=False,
        force_upcast=False,
    )


def make_unet(latent_channels: int = LATENT_CHANNELS) -> Unet:
    """A UNet on (C, 16, 16) latents, 7.2 M parameters, with Stable Diffusion 1.x's module names; heads are 32 wide."""
    network: Unet = UNet2DConditionModel
    return network(
        sample_size=16,
        in_channels=latent_channels,
        out_channels=latent_channels,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(64, 128, 160),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=(2, 4, 5),
        norm_num_groups=16,
    )


def make_text_encoder(vocabulary: int = VOCABULARY) -> CLIPTextModel:
    """A three-layer CLIP text encoder of width 128; training uses only the rows its captions can need."""
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=TEXT_WIDTH,
            intermediate_size=512,
            num_hidden_layers=3,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
            hidden_act="quick_gelu",
            projection_dim=TEXT_WIDTH,
            bos_token_id=VOCABULARY - 2 if vocabulary == VOCABULARY else 0,
            eos_token_id=VOCABULARY - 1 if vocabulary == VOCABULARY else vocabulary - 1,
            pad_token_id=VOCABULARY - 1 if vocabulary == VOCABULARY else vocabulary - 1,
        )
    )
    text.set_attn_implementation("eager")
    return text


def open_vae(folder: Path) -> Vae:
    """Open a saved VAE in float32, for inference."""
    opened: Vae = AutoencoderKL
    return opened.from_pretrained(folder, torch_dtype=torch.float32).eval()


def shaped_unet(folder: Path) -> Unet:
    """A UNet of the shape that ``config.json`` in a folder tells, with new weights."""
    shape: Unet = UNet2DConditionModel
    return shape.from_config(shape.load_config(folder))


def open_unet(folder: Path) -> Unet:
    """Open a saved UNet in float32, for inference."""
    opened: Unet = UNet2DConditionModel
    return opened.from_pretrained(folder, torch_dtype=torch.float32).eval()
