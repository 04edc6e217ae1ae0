"""Detect what a model is from its configuration and tensors, never from its name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lora_mixer.errors import ModelError
from lora_mixer.modules import Family

WIDTH_TO_FAMILY = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL, 1280: Family.SDXL_REFINER}
"""Cross-attention width -> family."""

UNET = "model.diffusion_model."
EMBEDDED_WIDTH = 320  # text narrower than SD 1.x's first UNet level is the embedded model's


def family_of_unet(config: Mapping[str, Any], where: str) -> Family:
    """Return the family of a UNet with this diffusers configuration.

    Raises:
        ModelError: It belongs to no supported family, or is an instruction model.
    """
    channels = config.get("in_channels", 4)
    if channels != config.get("out_channels", 4):
        raise ModelError(
            f"this is an inpainting or editing model ({channels} input channels), not a text-to-image model",
            where=where,
            remedy="Use the base model it was made from.",
        )
    width = config.get("cross_attention_dim")
    if isinstance(width, int) and width < EMBEDDED_WIDTH:
        return Family.EMOJI
    if isinstance(width, int) and width in WIDTH_TO_FAMILY:
        return WIDTH_TO_FAMILY[width]
    raise ModelError(
        f"unsupported cross-attention width {width}",
        where=where,
        remedy="Stable Diffusion 1.x, 2.x and SDXL can be opened.",
    )


def family_of_checkpoint(tensors: Mapping[str, Tensor], where: str) -> Family:
    """Return the family of a single file in LDM layout.

    Raises:
        ModelError: It is no Stable Diffusion checkpoint, or none for text to image.
    """
    first, last = (tensors.get(UNET + key) for key in ("input_blocks.0.0.weight", "out.2.weight"))
    text = next((t for key, t in tensors.items() if key.startswith(UNET) and key.endswith("attn2.to_k.weight")), None)
    if first is None or last is None or text is None:
        raise ModelError(
            "this is not a Stable Diffusion checkpoint",
            where=where,
            remedy="A checkpoint has keys that begin with model.diffusion_model; a LoRA or a VAE is not one.",
        )
    shape = {"in_channels": first.shape[1], "out_channels": last.shape[0], "cross_attention_dim": text.shape[1]}
    return family_of_unet(shape, where)


VELOCITY = "output_blocks.11.1.transformer_blocks.0.norm1.bias"
"""A UNet bias whose deviation tells SD 2.x v-prediction models (0.1 and more) from epsilon ones."""

VELOCITY_DEVIATION = 0.09
TRUE = frozenset({"true", "1", "yes"})
COSXL_LEAST = 0.002
PLAYGROUND: Mapping[str, Any] = {"sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5, "prediction_type": "epsilon"}
LATENTS = ("edm_mean", "edm_std")
"""Playground 2.5's per-channel mean and deviation of latents."""


def noise_schedule(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], metadata: Mapping[str, str], where: str = ""
) -> Mapping[str, Any]:
    """Return a family's noise schedule, updated from the file.

    The keys `v_pred` and `ztsnr` are how merging tools and trainers mark such checkpoints, as tensors or in the metadata;
    further metadata are the SAI model specification's `modelspec.prediction_type`, `modelspec.predict_key` of older
    writers, and kohya's `ss_v_parameterization` and `ss_zero_terminal_snr`. Where an SD 2.x file says nothing, a bias
    tells, as in ComfyUI. CosXL and Playground 2.5 were trained at continuous noise, and say so by keys of their own.

    Raises:
        ModelError: The file's noise levels are impossible.
    """
    if "edm_vpred.sigma_max" in tensors:
        least = _number(tensors, "edm_vpred.sigma_min", COSXL_LEAST)
        most = _number(tensors, "edm_vpred.sigma_max", 0.0)
        if not 0 < least < most < math.inf:
            raise ModelError(f"its noise goes from {least:g} to {most:g}", where=where, remedy="Download it again.")
        return {"sigma_min": least, "sigma_max": most, "sigma_data": 1.0, "prediction_type": "v_prediction"}
    if all(key in tensors for key in LATENTS):
        return dict(PLAYGROUND)
    schedule = {**config, "prediction_type": _prediction(config, tensors, metadata)}
    if "ztsnr" in tensors or _says(metadata, "ztsnr", "ss_zero_terminal_snr"):
        schedule |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return schedule


def _prediction(config: Mapping[str, Any], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    said = metadata.get("modelspec.prediction_type") or metadata.get("modelspec.predict_key") or ""
    usual = str(config.get("prediction_type", "epsilon"))
    bias = tensors.get(UNET + VELOCITY)
    if "v_pred" in tensors or said.startswith("v") or _says(metadata, "v_pred", "ss_v_parameterization"):
        return "v_prediction"
    if said.startswith("e"):
        return "epsilon"
    if usual == "v_prediction" and bias is not None:
        return usual if bias.float().std(correction=0) > VELOCITY_DEVIATION else "epsilon"
    return usual


def _says(metadata: Mapping[str, str], *keys: str) -> bool:
    return any(metadata.get(key, "").strip().lower() in TRUE for key in keys)


def _number(tensors: Mapping[str, Tensor], key: str, otherwise: float) -> float:
    """Return a number stored as a tensor."""
    return float(tensors[key].flatten()[0]) if key in tensors and tensors[key].numel() else otherwise


def latents_of(tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
    """Return VAE settings for the latents' statistics, if the file has any (Playground 2.5)."""
    if not all(key in tensors for key in LATENTS):
        return {}
    mean, std = (tensors[key].flatten().tolist() for key in LATENTS)
    return {"latents_mean": mean, "latents_std": std, "scaling_factor": 0.5}
