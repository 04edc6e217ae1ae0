"""A family's configuration with the checkpoint's actual widths.

The layout (which block has which layers) is the family's; widths, and the depth of text encoders, come from tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lora_mixer.errors import ModelError
from lora_mixer.models.detect import UNET

CLIP_PREFIXES = {
    "te1": ("cond_stage_model.transformer.", "conditioner.embedders.0.transformer."),
    "te2": (),
}
OPEN_CLIP_PREFIXES = {
    "te1": ("cond_stage_model.model.",),
    "te2": ("conditioner.embedders.1.model.", "conditioner.embedders.0.model."),
}
VAE_INPUTS = ("first_stage_model.decoder.conv_out.weight", "vae.decoder.conv_out.weight", "decoder.conv_out.weight")


def sized_unet(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return a UNet's configuration, its channels scaled to the checkpoint's (head size stays)."""
    channels = tensors[UNET + "input_blocks.0.0.weight"].shape[0]
    base = config["block_out_channels"][0]
    heads = config["attention_head_dim"]
    scaled: dict[str, Any] = {
        "block_out_channels": [width * channels // base for width in config["block_out_channels"]]
    }
    if isinstance(heads, list):
        scaled["attention_head_dim"] = [max(1, count * channels // base) for count in heads]
    pooled = tensors.get(UNET + "label_emb.0.0.weight")
    if pooled is not None:
        scaled["projection_class_embeddings_input_dim"] = pooled.shape[1]
    return {**config, **scaled}


def sized_vae(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return a VAE's configuration, its channels scaled to the checkpoint's."""
    found = next((tensors[key] for key in VAE_INPUTS if key in tensors), None)
    if found is None:
        return dict(config)
    channels, base = found.shape[1], config["block_out_channels"][0]
    return {**config, "block_out_channels": [width * channels // base for width in config["block_out_channels"]]}


def text_prefix(tensors: Mapping[str, Tensor], part: str) -> tuple[str, bool]:
    """Return a text encoder's prefix in a checkpoint (empty if missing), and whether its layout is OpenCLIP's."""
    for prefix in CLIP_PREFIXES[part]:
        if prefix + "text_model.embeddings.token_embedding.weight" in tensors:
            return prefix, False
    for prefix in OPEN_CLIP_PREFIXES[part]:
        if prefix + "token_embedding.weight" in tensors:
            return prefix, True
    return "", False


def sized_text_encoder(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], part: str, where: str
) -> dict[str, Any]:
    """Return a text encoder's configuration with the checkpoint's widths.

    Raises:
        ModelError: The checkpoint has no such text encoder.
    """
    prefix, is_open_clip = text_prefix(tensors, part)
    if not prefix:
        raise ModelError(
            f"the file has no text encoder ({part})", where=where, remedy="Use the full checkpoint, not a UNet alone."
        )
    stem = prefix if is_open_clip else prefix + "text_model.embeddings."
    layer = "transformer.resblocks.0.mlp.c_fc.weight" if is_open_clip else "text_model.encoder.layers.0.mlp.fc1.weight"
    vocabulary, width = tensors[stem + "token_embedding.weight"].shape
    layers = {
        key.removeprefix(prefix).split(".")[2 if is_open_clip else 3] for key in tensors if _is_layer(key, prefix)
    }
    # SD 2.x leaves out the last layer of its encoder: its configuration says 23 of OpenCLIP's 24.
    depth = min(len(layers), config["num_hidden_layers"])
    return {
        **config,
        "vocab_size": vocabulary,
        "hidden_size": width,
        "num_attention_heads": max(1, config["num_attention_heads"] * width // config["hidden_size"]),
        "intermediate_size": tensors[prefix + layer].shape[0],
        "num_hidden_layers": depth,
        "projection_dim": config["projection_dim"] * width // config["hidden_size"],
    }


def _is_layer(key: str, prefix: str) -> bool:
    return key.startswith((prefix + "transformer.resblocks.", prefix + "text_model.encoder.layers."))
