"""Upscalers between the two passes of hires fix, by AUTOMATIC1111's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lora_mixer.choices.names import key_of, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscaler:
    """One way to enlarge.

    Attributes:
        name: A1111's name.
        mode: How values between the cells are found, in the words of torch (latents) or Pillow (pictures).
        latent: Latents are enlarged as they are; else they are decoded, and the picture is enlarged and encoded.
        antialias: Average where the size goes down.
        aliases: Other names.
    """

    name: str
    mode: str
    latent: bool = True
    antialias: bool = False
    aliases: tuple[str, ...] = ()


UPSCALERS: tuple[Upscaler, ...] = (
    Upscaler(name="Latent", mode="bilinear", aliases=("Latent (bilinear)",)),
    Upscaler(name="Latent (antialiased)", mode="bilinear", antialias=True),
    Upscaler(name="Latent (bicubic)", mode="bicubic"),
    Upscaler(name="Latent (bicubic antialiased)", mode="bicubic", antialias=True),
    Upscaler(name="Latent (nearest)", mode="nearest"),
    Upscaler(name="Latent (nearest-exact)", mode="nearest-exact"),
    Upscaler(name="Lanczos", mode="lanczos", latent=False, aliases=("None",)),
    Upscaler(name="Nearest", mode="nearest", latent=False),
)

UPSCALER_FILES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "R-ESRGAN 4x+": ("RealESRGAN_x4plus",),
        "R-ESRGAN 4x+ Anime6B": ("RealESRGAN_x4plus_anime_6B",),
        "R-ESRGAN 2x+": ("RealESRGAN_x2plus",),
        "R-ESRGAN General 4xV3": ("realesr-general-x4v3",),
        "R-ESRGAN General WDN 4xV3": ("realesr-general-wdn-x4v3",),
        "R-ESRGAN AnimeVideo": ("realesr-animevideov3",),
        "ESRGAN_4x": ("ESRGAN",),
        "SwinIR_4x": ("003_realSR_BSRGAN_DFOWMFC_s64w8_SwinIR-L_x4_GAN",),
        "ScuNET GAN": ("ScuNET", "scunet_color_real_gan"),
        "ScuNET PSNR": ("scunet_color_real_psnr",),
        "DAT x2": ("DAT_x2",),
        "DAT x3": ("DAT_x3",),
        "DAT x4": ("DAT_x4",),
        "HAT x4": ("Real_HAT_GAN_SRx4",),
    }
)
"""A1111's name of a network -> what its file is called where it is published, without ending."""

_NETWORKS = (
    *("R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B", "ESRGAN_4x", "4x-UltraSharp", "LDSR", "SwinIR_4x", "SwinIR 4x"),
    *("ScuNET", "ScuNET GAN", "ScuNET PSNR", "DAT x2", "DAT x3", "DAT x4", "HAT x4"),
)
UNSUPPORTED_UPSCALERS: Mapping[str, str] = MappingProxyType(dict.fromkeys(_NETWORKS, "Lanczos"))
"""Upscalers of other programs that are networks of their own -> the nearest one here."""


def find_upscaler(name: str) -> Upscaler:
    """Return the upscaler of a name.

    >>> find_upscaler("latent (Nearest exact)").mode
    'nearest-exact'

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(known): row for row in UPSCALERS for known in (row.name, *row.aliases)}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("upscaler", name, [row.name for row in UPSCALERS], UNSUPPORTED_UPSCALERS)
