"""Which modules an adapter may change, and what kohya's trainer calls them in a file."""

from __future__ import annotations

from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.upsampling import Upsample2D
from torch import nn
from transformers import CLIPTextModel
from transformers.models.clip.modeling_clip import CLIPMLP, CLIPAttention

from training.networks import Unet

Layer = nn.Linear | nn.Conv2d

ATTENTION_BLOCKS = (Transformer2DModel,)
"""UNet classes whose layers a plain LoRA changes."""

CONV_BLOCKS = (ResnetBlock2D, Downsample2D, Upsample2D)
"""UNet classes whose layers a LoCon changes as well."""

TEXT_BLOCKS = (CLIPAttention, CLIPMLP)


def unet_name(path: str) -> str:
    """Kohya's name of a UNet module.

    >>> unet_name("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0")
    'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0'
    """
    return "lora_unet_" + path.replace(".", "_")


def text_name(path: str) -> str:
    """Kohya's name of a text-encoder module, whether or not the running transformers has a ``text_model`` level.

    >>> text_name("encoder.layers.0.mlp.fc1") == text_name("text_model.encoder.layers.0.mlp.fc1")
    True
    """
    return "lora_te_text_model_" + path.removeprefix("text_model.").replace(".", "_")


def unet_targets(unet: Unet, *, conv: bool) -> dict[str, Layer]:
    """Layers of the UNet by kohya name: those of attention blocks, and with ``conv`` those of the others too."""
    blocks = ATTENTION_BLOCKS + CONV_BLOCKS if conv else ATTENTION_BLOCKS
    return {unet_name(path): layer for path, layer in _layers_inside(unet, blocks)}


def text_targets(text: CLIPTextModel) -> dict[str, Layer]:
    """Layers of the text encoder's attention and MLP by kohya name."""
    return {text_name(path): layer for path, layer in _layers_inside(text, TEXT_BLOCKS)}


def _layers_inside(model: nn.Module, blocks: tuple[type[nn.Module], ...]) -> list[tuple[str, Layer]]:
    return [
        (f"{outer}.{inner}" if inner else outer, layer)
        for outer, block in model.named_modules()
        if isinstance(block, blocks)
        for inner, layer in block.named_modules()
        if isinstance(layer, Layer)
    ]
