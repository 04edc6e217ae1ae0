"""The table of families that can be opened; those that are only recognised stand in `lora_mixer.families.recognised`."""

from __future__ import annotations

import difflib
from functools import lru_cache

from lora_mixer.errors import RequestError
from lora_mixer.families.record import DenoiserKind, Family, TextEncoderSpec
from lora_mixer.families.sd1 import EMOJI, SD1
from lora_mixer.families.sd2 import SD2
from lora_mixer.families.sdxl import SDXL, SDXL_REFINER
from lora_mixer.modules import DENOISER

FAMILIES: tuple[Family, ...] = (SD1, SD2, SDXL, SDXL_REFINER, EMOJI)
"""Read it through the functions below, which look at it when they are asked."""


def all_families() -> tuple[Family, ...]:
    """Return every family that can be opened."""
    return FAMILIES


def find_family(name: str) -> Family:
    """Return the family of a name.

    Raises:
        RequestError: There is none; the nearest name is in the text.
    """
    by_name = {family.name: family for family in all_families()}
    if name in by_name:
        return by_name[name]
    nearest = difflib.get_close_matches(name, by_name, n=1)
    hint = f"Did you mean {nearest[0]}? " if nearest else ""
    raise RequestError(f"there is no family {name!r}", remedy=f"{hint}There are: {', '.join(by_name)}.")


def denoiser_kinds() -> tuple[DenoiserKind, ...]:
    """Return every kind of denoiser, each once."""
    return tuple(dict.fromkeys(family.denoiser for family in all_families()))


def text_encoders() -> tuple[TextEncoderSpec, ...]:
    """Return the text encoders of all families."""
    return tuple(encoder for family in all_families() for encoder in family.text_encoders)


def text_parts() -> tuple[str, ...]:
    """Return the parts that are text encoders in some family, in order."""
    return _text_parts(all_families())


@lru_cache(maxsize=4)
def _text_parts(families: tuple[Family, ...]) -> tuple[str, ...]:
    return tuple(sorted({encoder.part for family in families for encoder in family.text_encoders}))


def component_folders() -> tuple[str, ...]:
    """Return the folders that denoisers and text encoders have in diffusers models, the longest names first."""
    folders = {kind.folder for kind in denoiser_kinds()} | {encoder.folder for encoder in text_encoders()}
    return tuple(sorted(folders, key=lambda folder: (-len(folder), folder)))


def check_part(part: str) -> None:
    """Refuse a part that no family has.

    Raises:
        RequestError: It is none.
    """
    if part != DENOISER and part not in text_parts():
        parts = ", ".join((DENOISER, *text_parts()))
        raise RequestError(f"no model has a part {part!r}", remedy=f"There are: {parts}.")
