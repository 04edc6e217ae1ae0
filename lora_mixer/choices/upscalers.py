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
