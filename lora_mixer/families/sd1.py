"""Stable Diffusion 1.x, and the embedded model, which is one in small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lora_mixer.families.clip import FIRST
from lora_mixer.families.configs import Packaged
from lora_mixer.families.layouts import FOUR_LEVELS
from lora_mixer.families.record import Family
from lora_mixer.families.unet import UNET

ONLY = replace(
    FIRST,
    kohya=("lora_te", "lora_te1"),
    bare=True,
    single_file="cond_stage_model.transformer.",
    skip=1,
    final_norm=True,
)
"""CLIP ViT-L alone."""

NO_CHECKER: Mapping[str, object] = {
    "safety_checker": [None, None],
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
}

SD1 = Family(
    name="sd1",
    title="Stable Diffusion 1.x",
    denoiser=UNET,
    text_encoders=(ONLY,),
    configs=Packaged("configs", "sd1"),
    signature={"cross_attention_dim": frozenset({768})},
    metadata={"ss_base_model_version": ("sd_v1",), "modelspec.architecture": ("stable-diffusion-v1",)},
    base_model="sd_v1",
    architecture="stable-diffusion-v1",
    layout=FOUR_LEVELS,
    pipeline="StableDiffusionPipeline",
    pipeline_options=NO_CHECKER,
)

EMOJI = Family(
    name="emoji",
    title="the embedded emoji model",
    denoiser=UNET,
    text_encoders=(ONLY,),
    configs=Packaged("emoji", "model"),
    signature={"cross_attention_dim": range(1, 320)},  # narrower than SD 1.x's first level
    metadata=SD1.metadata,
    base_model="lora_mixer_emoji",
    architecture="lora-mixer-emoji",
    layout=FOUR_LEVELS,
    no_single_file="its levels have one resnet where LDM's have two",
    pipeline="StableDiffusionPipeline",
    pipeline_options=NO_CHECKER,
)
