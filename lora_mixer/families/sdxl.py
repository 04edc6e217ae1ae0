"""SDXL and its refiner."""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.families.clip import FIRST, SECOND
from lora_mixer.families.configs import Packaged
from lora_mixer.families.layouts import REFINER, THREE_LEVELS
from lora_mixer.families.record import Family
from lora_mixer.families.unet import UNET

SDXL = Family(
    name="sdxl",
    title="SDXL",
    denoiser=UNET,
    text_encoders=(FIRST, SECOND),
    configs=Packaged("configs", "sdxl"),
    signature={"cross_attention_dim": frozenset({2048})},
    metadata={"ss_base_model_version": ("sdxl",), "modelspec.architecture": ("stable-diffusion-xl",)},
    base_model="sdxl_base_v1-0",
    architecture="stable-diffusion-xl-v1-base",
    layout=THREE_LEVELS,
    kohya_original=True,
    pipeline="StableDiffusionXLPipeline",
    pipeline_options={"force_zeros_for_empty_prompt": False},
    sizes=("height", "width", "top", "left", "target_height", "target_width"),
    emphasis="no norm",
    zero_empty_negative=True,
    schedule_table="sdxl",
)

SDXL_REFINER = Family(
    name="sdxl-refiner",
    title="SDXL refiner",
    denoiser=UNET,
    text_encoders=(replace(SECOND, single_file="conditioner.embedders.0.model."),),
    configs=Packaged("configs", "sdxl-refiner"),
    signature={"cross_attention_dim": frozenset({1280})},
    metadata={"ss_base_model_version": ("sdxl",), "modelspec.architecture": ("stable-diffusion-xl-v1-refiner",)},
    base_model="sdxl_refiner_v1-0",
    architecture="stable-diffusion-xl-v1-refiner",
    layout=REFINER,
    kohya_original=True,
    pipeline="StableDiffusionXLImg2ImgPipeline",
    pipeline_options={"force_zeros_for_empty_prompt": False},
    sizes=("height", "width", "top", "left", "score"),
    emphasis="no norm",
)
