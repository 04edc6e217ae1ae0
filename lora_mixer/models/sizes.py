"""A family's configuration with the checkpoint's actual widths.

The layout (which block has which layers) is the family's; widths, and the depth of text encoders, come from tensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lora_mixer.errors import ModelError
from lora_mixer.families import TextEncoderSpec

VAE_INPUTS = ("first_stage_model.decoder.conv_out.weight", "vae.decoder.conv_out.weight", "decoder.conv_out.weight")


def sized_vae(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return a VAE's configuration, its channels scaled to the checkpoint's."""
    found = next((tensors[key] for key in VAE_INPUTS if key in tensors), None)
    if found is None:
        return dict(config)
    channels, base = found.shape[1], config["block_out_channels"][0]
    return {**config, "block_out_channels": [width * channels // base for width in config["block_out_channels"]]}


def sized_text_encoder(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], encoder: TextEncoderSpec, where: str
) -> dict[str, Any]:
    """Return a text encoder's configuration with the checkpoint's widths.

    Raises:
        ModelError: The checkpoint has no such text encoder.
    """
    prefix, is_open_clip = encoder.single_file, encoder.open_clip
    stem = prefix if is_open_clip else prefix + "text_model.embeddings."
    if stem + "token_embedding.weight" not in tensors:
        raise ModelError(
            f"the file has no text encoder at {prefix}",
            where=where,
            remedy="Use the full checkpoint, not a denoiser alone.",
        )
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
