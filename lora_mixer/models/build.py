"""Build a network from a checkpoint's tensors without a second copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn

from lora_mixer.errors import ModelError
from lora_mixer.families import TextEncoderSpec
from lora_mixer.libraries.classes import (
    CLIPTextConfig,
    ModelMixin,
    convert_ldm_vae_checkpoint,
    convert_open_clip_checkpoint,
    init_empty_weights,
    no_init_weights,
)
from lora_mixer.models.sizes import VAE_INPUTS

Network = TypeVar("Network", bound=nn.Module)

VAE_PARTS = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
UNUSED = ("position_ids", "logit_scale", "text_projection.weight")
"""Suffixes of checkpoint tensors that the networks do not use."""


def build(
    network: type[Network], config: Mapping[str, Any], tensors: Mapping[str, Tensor], dtype: torch.dtype, where: str
) -> Network:
    """Return a network of this configuration with these tensors as its weights, frozen and in eval mode.

    Raises:
        ModelError: A weight is missing, has another shape, or has no place.
    """
    with init_empty_weights(include_buffers=False), no_init_weights():
        empty = _empty(network, config)
    weights = {_name(empty, key): value.to(dtype) for key, value in tensors.items()}
    own = empty.state_dict()
    missing = sorted(own.keys() - weights.keys())
    over = sorted(key for key in weights.keys() - own.keys() if not key.endswith(UNUSED))
    odd = [key for key in own.keys() & weights.keys() if own[key].shape != weights[key].shape]
    for found, problem in ((missing, "are missing"), (over, "have no place"), (sorted(odd), "have another shape")):
        if found:
            raise ModelError(
                f"{len(found)} of {network.__name__}'s weights {problem}, first {found[0]}",
                where=where,
                remedy="The file does not have its family's layout; pruned and distilled layouts cannot be opened.",
            )
    empty.load_state_dict({key: weights[key] for key in own}, assign=True)
    return empty.requires_grad_(requires_grad=False).eval()


def _empty(network: type[Network], config: Mapping[str, Any]) -> Network:
    if issubclass(network, ModelMixin):
        return cast(Network, cast(Any, network).from_config(config))
    return cast(Network, cast(Any, network)(CLIPTextConfig(**config)))


def _name(network: nn.Module, key: str) -> str:
    """Return a tensor's name in the network: transformers 5 has no `text_model.` level in `CLIPTextModel`."""
    return key if hasattr(network, "text_model") else key.removeprefix("text_model.")


def text_encoder_tensors(
    tensors: Mapping[str, Tensor], encoder: TextEncoderSpec, config: Mapping[str, Any]
) -> Mapping[str, Tensor]:
    """Return a text encoder's tensors by transformers' names."""
    prefix = encoder.single_file
    own = {key: value for key, value in tensors.items() if key.startswith(prefix)}
    if encoder.open_clip:
        return _open_clip(own, prefix, config)
    return {key.removeprefix(prefix): value for key, value in own.items()}


def _open_clip(tensors: Mapping[str, Tensor], prefix: str, config: Mapping[str, Any]) -> Mapping[str, Tensor]:
    depth = config["num_hidden_layers"]
    kept = {key: value for key, value in tensors.items() if _layer(key, prefix) < depth}
    projection = prefix + "text_projection"
    if projection not in kept:  # the converter reads the width from it
        kept[projection] = torch.empty(config["hidden_size"], 0)
    converted = dict(convert_open_clip_checkpoint(None, kept, prefix=prefix))  # type: ignore[no-untyped-call]
    if projection not in tensors:
        converted.pop("text_projection.weight", None)  # SD 2.x: the converter ignores it
    return converted


def _layer(key: str, prefix: str) -> int:
    start = prefix + "transformer.resblocks."
    return int(key.removeprefix(start).split(".")[0]) if key.startswith(start) else -1


def vae_tensors(tensors: Mapping[str, Tensor], config: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """Return a VAE's tensors by diffusers' names; none if there is no VAE."""
    if any(key.startswith("decoder.up_blocks.") for key in tensors):
        return tensors
    key = next((key for key in VAE_INPUTS if key in tensors), None)
    if key is None:
        return {}
    prefix = key.removesuffix(VAE_INPUTS[-1])
    own = {key: value for key, value in tensors.items() if key.startswith(tuple(prefix + part for part in VAE_PARTS))}
    return convert_ldm_vae_checkpoint(own, config)  # type: ignore[no-untyped-call, no-any-return]
