"""A model's tensors by CompVis' (LDM) names: the inverse of how a single file is opened.

Source: the layouts of `ldm/modules/diffusionmodules/{openaimodel,model}.py` (CompVis) and of OpenCLIP's text
transformer (`src/open_clip/transformer.py`), as the published checkpoints have them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from lora_mixer.errors import RequestError
from lora_mixer.export.spelling import original_path
from lora_mixer.models import Model

VAE = "first_stage_model."

_Rules = tuple[tuple[str, str], ...]
_VAE: _Rules = (
    (r"mid_block\.resnets\.0\.", "mid.block_1."),
    (r"mid_block\.resnets\.1\.", "mid.block_2."),
    (r"mid_block\.attentions\.0\.group_norm\.", "mid.attn_1.norm."),
    (r"mid_block\.attentions\.0\.to_out\.0\.", "mid.attn_1.proj_out."),
    (r"mid_block\.attentions\.0\.to_([qkv])\.", r"mid.attn_1.\1."),
    (r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block."),
    (r"down_blocks\.(\d+)\.downsamplers\.0\.", r"down.\1.downsample."),
    (r"up_blocks\.(\d+)\.resnets\.", r"up.\1.block."),
    (r"up_blocks\.(\d+)\.upsamplers\.0\.", r"up.\1.upsample."),
    (r"\.conv_shortcut\.", ".nin_shortcut."),
    (r"\.conv_norm_out\.", ".norm_out."),
)
_TEXT: _Rules = (
    (r"^embeddings\.token_embedding\.weight$", "token_embedding.weight"),
    (r"^embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^final_layer_norm\.", "ln_final."),
    (r"^encoder\.layers\.", "transformer.resblocks."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
)
_ATTENTION = re.compile(r"attn_1\.(q|k|v|proj_out)\.weight$")
_QUERY = re.compile(r"^(encoder\.layers\.\d+\.self_attn\.)q_proj\.(weight|bias)$")
_SPLIT = re.compile(r"\.self_attn\.[qkv]_proj\.")


def ldm_tensors(model: Model) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of a model as it stands, by its name in a single file.

    Raises:
        RequestError: The family has no such layout.
    """
    if model.family.no_single_file:
        raise RequestError(
            f"{model.family.title} has no single-file layout: {model.family.no_single_file}",
            remedy="Bake it as a diffusers folder (--as folder).",
        )
    yield from _denoiser(model)
    yield from ((VAE + key, value) for key, value in _vae(model.vae))
    for spec in model.family.text_encoders:
        encoder = model.text_encoders[spec.part]
        own = {key.removeprefix("text_model."): value for key, value in encoder.state_dict().items()}
        if spec.open_clip:
            yield from ((spec.single_file + key, value) for key, value in _open_clip(own))
        else:
            yield from ((f"{spec.single_file}text_model.{key}", value) for key, value in own.items())


def _denoiser(model: Model) -> Iterator[tuple[str, Tensor]]:
    for key, value in model.denoiser.network.state_dict().items():
        path, _, parameter = key.rpartition(".")
        yield f"{model.family.denoiser.prefix}{original_path(path, model.index)}.{parameter}", value


def _vae(vae: nn.Module) -> Iterator[tuple[str, Tensor]]:
    tensors = vae.state_dict()
    top = max(int(key.split(".")[2]) for key in tensors if key.startswith("decoder.up_blocks."))
    for key, value in tensors.items():
        counted = re.sub(r"up_blocks\.(\d+)\.", lambda level: f"up_blocks.{top - int(level[1])}.", key)
        name = _renamed(counted, _VAE)
        yield name, value[:, :, None, None] if _ATTENTION.search(name) else value


def _open_clip(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    for key, value in tensors.items():
        if match := _QUERY.match(key):
            stem, parameter = match.groups()
            stacked = torch.cat([tensors[f"{stem}{letter}_proj.{parameter}"] for letter in "qkv"])
            yield _renamed(stem, _TEXT).replace(".self_attn.", ".attn.") + f"in_proj_{parameter}", stacked
        elif key == "text_projection.weight":
            yield "text_projection", value.T
        elif not _SPLIT.search(key):
            yield _renamed(key, _TEXT), value


def _renamed(key: str, rules: _Rules) -> str:
    for pattern, written in rules:
        key = re.sub(pattern, written, key)
    return key
