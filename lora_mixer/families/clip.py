"""CLIP text encoders: the two that Stable Diffusion's families have, and what a part is called where.

Sources: kohya's prefixes: sd-scripts `networks/lora.py`; folders: diffusers; `clip_l`, `clip_g`, `clip_h`: ComfyUI and
the open model initiative's LoRA form; `text_encoders_0`: diffusers' training scripts
(`examples/advanced_diffusion_training/train_dreambooth_lora_sdxl_advanced.py`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from lora_mixer.families.record import ModulePlace, TextEncoderSpec
from lora_mixer.modules import BASE, Sees

FIRST = TextEncoderSpec(
    part="te1",
    folder="text_encoder",
    tokenizer="tokenizer",
    class_name="CLIPTextModel",
    kohya=("lora_te1",),
    comfy="clip_l",
    omi="clip_l",
    embeddings=("clip_l", "text_encoders_0"),
    single_file="conditioner.embedders.0.transformer.",
    skip=2,
    final_norm=False,
)
"""CLIP ViT-L beside a second encoder, as SDXL has it: the output before the last layer, no final norm."""

SECOND = TextEncoderSpec(
    part="te2",
    folder="text_encoder_2",
    tokenizer="tokenizer_2",
    class_name="CLIPTextModelWithProjection",
    kohya=("lora_te2",),
    comfy="clip_g",
    omi="clip_g",
    embeddings=("clip_g", "text_encoders_1"),
    open_clip=True,
    single_file="conditioner.embedders.1.model.",
    skip=2,
    final_norm=False,
    pooled=True,
)
"""OpenCLIP ViT-bigG."""

TEXT = re.compile(
    r"(?:layers|resblocks)_(\d{1,3})_(?:(self_attn_[qkv]_proj|self_attn_to_[qkv]|attn_in_proj|mlp_fc1|mlp_c_fc)$)?"
)
"""Flat names of a CLIP text encoder's layers; the second group is there where the inputs are as wide as the encoder."""

_OPEN_CLIP = (
    ("text_model_encoder_layers", "transformer_resblocks"),
    ("self_attn", "attn"),
    ("mlp_fc1", "mlp_c_fc"),
    ("mlp_fc2", "mlp_c_proj"),
)


def places(encoder: TextEncoderSpec, paths: Collection[str]) -> Mapping[str, ModulePlace]:
    """Return where every module of a text encoder stands: all of them in BASE, over the text."""
    return {
        path: ModulePlace(block=BASE, level=0, sees=Sees.TEXT, section=encoder.part, original=_original(encoder, path))
        for path in paths
    }


def _original(encoder: TextEncoderSpec, path: str) -> str:
    """Return a flat name as the original code bases have it: transformers' for CLIP, else OpenCLIP's."""
    flat = path.replace(".", "_")
    if not encoder.open_clip:
        return f"transformer_{flat}"
    for ours, theirs in _OPEN_CLIP:
        flat = flat.replace(ours, theirs)
    return f"model_{flat}"
