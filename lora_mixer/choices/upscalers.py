"""What enlarges, between the two passes of hires fix or at the end, by AUTOMATIC1111's names.

The table has what comes with the program. Any other name is a network's, whose file an upscalers folder holds; whether
there is one, the catalog knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lora_mixer.choices.names import key_of, unknown
from lora_mixer.errors import RequestError

NETWORK = "network"
"""The mode of an upscaler that is a network."""
OWN = "Model's own"
"""The network that comes with the model."""
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Upscaler:
    """One way to enlarge.

    Attributes:
        name: A1111's name.
        mode: How values between the cells are found, in the words of torch (latents) or Pillow (pictures); or `network`.
        latent: Latents are enlarged as they are; else they are decoded, and the picture is enlarged and encoded.
        antialias: Average where the size goes down.
        aliases: Other names.
    """

    name: str
    mode: str
    latent: bool = True
    antialias: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def network(self) -> bool:
        """Whether it is a network, from a file."""
        return self.mode == NETWORK


UPSCALERS: tuple[Upscaler, ...] = (
    Upscaler(name="Latent", mode="bilinear", aliases=("Latent (bilinear)",)),
    Upscaler(name="Latent (antialiased)", mode="bilinear", antialias=True),
    Upscaler(name="Latent (bicubic)", mode="bicubic"),
    Upscaler(name="Latent (bicubic antialiased)", mode="bicubic", antialias=True),
    Upscaler(name="Latent (nearest)", mode="nearest"),
    Upscaler(name="Latent (nearest-exact)", mode="nearest-exact"),
    Upscaler(name="Lanczos", mode="lanczos", latent=False, aliases=("None",)),
    Upscaler(name="Nearest", mode="nearest", latent=False),
    Upscaler(name=OWN, mode=NETWORK, latent=False),
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

UPSCALER_ALIASES: Mapping[str, str] = MappingProxyType(
    {name.replace("R-ESRGAN", "RealESRGAN"): name for name in UPSCALER_FILES if name.startswith("R-ESRGAN")}
    | {"SwinIR 4x": "SwinIR_4x", "ESRGAN 4x": "ESRGAN_4x", "ScuNET": "ScuNET GAN"}
)
"""What others call a network (SD.Next, older A1111) -> A1111's name."""

UNSUPPORTED_UPSCALERS: Mapping[str, str] = MappingProxyType({"LDSR": "Lanczos"})
"""Upscalers of other programs that are no network of one step -> the nearest one here."""


def find_upscaler(name: str) -> Upscaler:
    """Return the upscaler of a name; one that is not in the table is a network's.

    >>> find_upscaler("latent (Nearest exact)").mode
    'nearest-exact'
    >>> find_upscaler("4x-UltraSharp").network
    True

    Raises:
        RequestError: It is no name, or that of one there can be no file of; the nearest is in the text.
    """
    by_key = {key_of(known): row for row in UPSCALERS for known in (row.name, *row.aliases)}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    no_name = not key_of(name) or len(name) > _LONGEST_NAME or not name.isprintable()
    if no_name or key_of(name) in map(key_of, UNSUPPORTED_UPSCALERS):
        raise unknown("upscaler", name[:_LONGEST_NAME], [row.name for row in UPSCALERS], UNSUPPORTED_UPSCALERS)
    return Upscaler(name=name, mode=NETWORK, latent=False)


def find_picture_upscaler(name: str) -> Upscaler:
    """Return the upscaler of a name, for finished pictures.

    Raises:
        RequestError: There is no such one, or it enlarges latents.
    """
    found = find_upscaler(name)
    if found.latent:
        raise RequestError(
            f"{found.name} enlarges latents, and a finished picture has none",
            remedy="Use Lanczos or a network; `Latent` ones are for hires.",
        )
    return found
