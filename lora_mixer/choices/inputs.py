"""How an input picture and its mask are taken, by AUTOMATIC1111's names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.choices.names import key_of, unknown

JUST_RESIZE, CROP_AND_RESIZE, RESIZE_AND_FILL = "just resize", "crop and resize", "resize and fill"
RESIZE_MODES: Mapping[str, str] = MappingProxyType(
    {
        JUST_RESIZE: "stretched to the size",
        CROP_AND_RESIZE: "scaled until it covers the size; what stands over is cut off",
        RESIZE_AND_FILL: "scaled until it fits into the size; its edges are drawn out over the rest",
    }
)

MASKED, NOT_MASKED = "inpaint masked", "inpaint not masked"
MASK_MODES: Mapping[str, str] = MappingProxyType(
    {MASKED: "what is white in the mask is drawn anew", NOT_MASKED: "what is black in the mask is drawn anew"}
)

FILL, ORIGINAL, LATENT_NOISE, LATENT_NOTHING = "fill", "original", "latent noise", "latent nothing"
MASKED_CONTENTS: Mapping[str, str] = MappingProxyType(
    {
        FILL: "the colours around it, blurred",
        ORIGINAL: "what is in the picture",
        LATENT_NOISE: "the seed's noise, in the latents",
        LATENT_NOTHING: "zeros, in the latents",
    }
)
"""What lies under the mask before noise is put on it."""

WHOLE_PICTURE, ONLY_MASKED = "whole picture", "only masked"
INPAINT_AREAS: Mapping[str, str] = MappingProxyType(
    {
        WHOLE_PICTURE: "the whole picture is drawn at the size, and what the mask covers is kept of it",
        ONLY_MASKED: "the part around the mask is cut out, drawn at the size, and put back; the picture keeps its size",
    }
)

_TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = MappingProxyType(
    {
        "resize_mode": ("resize mode", RESIZE_MODES),
        "mask_mode": ("mask mode", MASK_MODES),
        "masked_content": ("masked content", MASKED_CONTENTS),
        "inpaint_area": ("inpaint area", INPAINT_AREAS),
    }
)
"""A field of a request -> what its value is called, and the values there are."""


def find_resize_mode(name: str) -> str:
    """Return the resize mode of a name.

    >>> find_resize_mode("Crop and resize")
    'crop and resize'

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    return _find("resize_mode", name)


def find_mask_mode(name: str) -> str:
    """Return the mask mode of a name; see `find_resize_mode`."""
    return _find("mask_mode", name)


def find_masked_content(name: str) -> str:
    """Return the masked content of a name; see `find_resize_mode`."""
    return _find("masked_content", name)


def find_inpaint_area(name: str) -> str:
    """Return the inpaint area of a name; see `find_resize_mode`."""
    return _find("inpaint_area", name)


def _find(field: str, name: str) -> str:
    what, table = _TABLES[field]
    by_key = {key_of(known): known for known in table}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown(what, name, [*table])
