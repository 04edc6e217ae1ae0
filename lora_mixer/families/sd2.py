"""Stable Diffusion 2.x: models of noise (base) and of velocity (768-v), told by what the file says or by a bias."""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.families.clip import FIRST
from lora_mixer.families.configs import Packaged
from lora_mixer.families.layouts import FOUR_LEVELS
from lora_mixer.families.record import Family, VelocityTest
from lora_mixer.families.sd1 import NO_CHECKER
from lora_mixer.families.unet import UNET

OPEN_CLIP_H = replace(
    FIRST,
    kohya=("lora_te", "lora_te1"),
    bare=True,
    comfy="clip_h",
    open_clip=True,
    single_file="cond_stage_model.model.",
    skip=1,
    final_norm=True,
)
"""OpenCLIP ViT-H; its configuration leaves the last of its 24 layers out, as the models were trained."""

SD2 = Family(
    name="sd2",
    title="Stable Diffusion 2.x",
    denoiser=UNET,
    text_encoders=(OPEN_CLIP_H,),
    configs=Packaged("configs", "sd2"),
    signature={"cross_attention_dim": frozenset({1024})},
    metadata={"ss_base_model_version": ("sd_v2",), "modelspec.architecture": ("stable-diffusion-v2",)},
    base_model="sd_v2",
    architecture="stable-diffusion-v2",
    layout=FOUR_LEVELS,
    pipeline="StableDiffusionPipeline",
    pipeline_options=NO_CHECKER,
    # ComfyUI tells them by this bias, whose deviation is 0.1 and more in models of velocity.
    velocity_test=VelocityTest(key="output_blocks.11.1.transformer_blocks.0.norm1.bias", deviation=0.09),
)
