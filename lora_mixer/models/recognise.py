"""What a model is, told from its configuration and tensors, never from its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lora_mixer.errors import ModelError
from lora_mixer.modules import Family

WIDTH_TO_FAMILY = {768: Family.SD1, 1024: Family.SD2, 2048: Family.SDXL, 1280: Family.SDXL_REFINER}
"""Width of the text a UNet listens to -> family."""

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
