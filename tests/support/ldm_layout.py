"""Diffusers' names written in CompVis' (LDM) layout: a converter of our own direction, for tests only."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

Rules = tuple[tuple[str, str], ...]

RESNET: Rules = (
    (r"\.norm1\.", ".in_layers.0."),
    (r"\.conv1\.", ".in_layers.2."),
    (r"\.time_emb_proj\.", ".emb_layers.1."),
    (r"\.norm2\.", ".out_layers.0."),
    (r"\.conv2\.", ".out_layers.3."),
    (r"\.conv_shortcut\.", ".skip_connection."),
)
ENDS: Rules = (
    (r"^time_embedding\.linear_1\.", "time_embed.0."),
    (r"^time_embedding\.linear_2\.", "time_embed.2."),
    (r"^add_embedding\.linear_1\.", "label_emb.0.0."),
    (r"^add_embedding\.linear_2\.", "label_emb.0.2."),
    (r"^conv_in\.", "input_blocks.0.0."),
    (r"^conv_norm_out\.", "out.0."),
    (r"^conv_out\.", "out.2."),
    (r"^mid_block\.resnets\.0\.", "middle_block.0."),
    (r"^mid_block\.attentions\.0\.", "middle_block.1."),
    (r"^mid_block\.resnets\.1\.", "middle_block.2."),
)
VAE: Rules = (
    (r"down_blocks\.(\d)\.resnets\.", r"down.\1.block."),
    (r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample."),
    (r"mid_block\.resnets\.0\.", "mid.block_1."),
    (r"mid_block\.resnets\.1\.", "mid.block_2."),
    (r"mid_block\.attentions\.0\.group_norm\.", "mid.attn_1.norm."),
    (r"mid_block\.attentions\.0\.to_([qkv])\.", r"mid.attn_1.\1."),
    (r"mid_block\.attentions\.0\.to_out\.0\.", "mid.attn_1.proj_out."),
    (r"conv_shortcut\.", "nin_shortcut."),
    (r"conv_norm_out\.", "norm_out."),
)
OPEN_CLIP: Rules = (
    (r"^embeddings\.token_embedding\.weight$", "token_embedding.weight"),
    (r"^embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^encoder\.layers\.", "transformer.resblocks."),
    (r"^final_layer_norm\.", "ln_final."),
    (r"\.layer_norm([12])\.", r".ln_\1."),
    (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."),
    (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
)


def unet_in_ldm(unet: nn.Module) -> dict[str, Tensor]:
    return {"model.diffusion_model." + _unet_key(unet, key): value for key, value in unet.state_dict().items()}


def vae_in_ldm(vae: nn.Module) -> dict[str, Tensor]:
    written = {}
    for key, value in vae.state_dict().items():
        name = _all(re.sub(r"up_blocks\.(\d)\.", lambda m: f"up.{3 - int(m[1])}.", key), VAE)
        name = re.sub(r"(up\.\d)\.resnets\.", r"\1.block.", name)
        name = re.sub(r"(up\.\d)\.upsamplers\.0\.", r"\1.upsample.", name)
        is_conv = re.search(r"attn_1\.(q|k|v|proj_out)\.weight", name)
        written["first_stage_model." + name] = value[:, :, None, None] if is_conv else value
    return written


def clip_in_ldm(encoder: nn.Module, prefix: str) -> dict[str, Tensor]:
    return {f"{prefix}text_model.{key}": value for key, value in _text(encoder).items()}


def open_clip_in_ldm(encoder: nn.Module, prefix: str) -> dict[str, Tensor]:
    own = _text(encoder)
    written = {_all(key, OPEN_CLIP): value for key, value in own.items() if "_proj." not in key or "out_proj" in key}
    for key in [key for key in own if "q_proj" in key]:
        joined = torch.cat([own[key.replace("q_proj", f"{letter}_proj")] for letter in "qkv"])
        layer, kind = key.split(".")[2], key.rsplit(".", 1)[1]
        written[f"transformer.resblocks.{layer}.attn.in_proj_{kind}"] = joined
    if "text_projection.weight" in written:
        written["text_projection"] = written.pop("text_projection.weight").T.contiguous()
    return {prefix + key: value for key, value in written.items()}


def _text(encoder: nn.Module) -> Mapping[str, Tensor]:
    return {key.removeprefix("text_model."): value for key, value in encoder.state_dict().items()}


def _unet_key(unet: nn.Module, key: str) -> str:
    found = re.match(r"(down|up)_blocks\.(\d)\.(resnets|attentions|downsamplers|upsamplers)\.(\d)\.(conv\.)?", key)
    if found is None:
        name = _all(key, ENDS)
        return _all(name, RESNET) if re.match(r"middle_block\.[02]\.", name) else name
    side, block, kind, layer = found[1], int(found[2]), found[3], int(found[4])
    if kind == "downsamplers":
        return f"input_blocks.{3 * (block + 1)}.0.op." + key[found.end() :]
    if kind == "upsamplers":
        has_attention = getattr(unet.up_blocks[block], "has_cross_attention", False)
        return f"output_blocks.{3 * block + 2}.{2 if has_attention else 1}.conv." + key[found.end() :]
    number = 3 * block + layer + (1 if side == "down" else 0)
    stem = f"{'input' if side == 'down' else 'output'}_blocks.{number}.{0 if kind == 'resnets' else 1}."
    rest = key.split(".", 4)[4]
    return _all(stem + rest, RESNET) if kind == "resnets" else stem + rest


def _all(key: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        key = re.sub(pattern, replacement, key)
    return key
