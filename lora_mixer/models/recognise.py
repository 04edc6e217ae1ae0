"""What a model is, told from its configuration and tensors, never from its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from lora_mixer.errors import ModelError
from lora_mixer.modules import Family

WIDTH_TO_FAMILY = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL, 1280: Family.SDXL_REFINER}
"""Width of the text a UNet listens to -> family."""

UNET = "model.diffusion_model."
EMBEDDED_WIDTH = 320  # text narrower than SD 1.x's first UNet level is the embedded model's


def family_of_unet(config: Mapping[str, Any], where: str) -> Family:
    """Return the family of a UNet with this diffusers configuration.

    Raises:
        ModelError: It is of no family this program draws with, or it is an inpainting or instruction model.
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
        f"its UNet listens to text of width {width}, which is none of Stable Diffusion's",
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


def noise_schedule(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return a family's noise schedule with what the file says about its own.

    The keys `v_pred` and `ztsnr` are how merging tools and trainers mark such checkpoints; metadata is the
    SAI model specification's `modelspec.prediction_type`, or `modelspec.predict_key` of older writers.
    """
    said = metadata.get("modelspec.prediction_type") or metadata.get("modelspec.predict_key") or ""
    schedule = dict(config)
    if "v_pred" in tensors or said.startswith("v"):
        schedule["prediction_type"] = "v_prediction"
    elif said.startswith("e"):
        schedule["prediction_type"] = "epsilon"
    if "ztsnr" in tensors:
        schedule |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return schedule
