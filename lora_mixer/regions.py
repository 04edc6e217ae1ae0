"""Regions: parts of the picture with a text, a negative text and LoRAs of their own. Plain values; nothing is opened here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import check_fields, wrong_type
from lora_mixer.mixes import LoraUse, Strength, check_strength, mix_of
from lora_mixer.places import BACKGROUND, DrawnMask, Rectangle, RestOfPicture, check_rectangle, rectangle_of

FOUND = "auto"
"""The mask of a region whose place is to be found."""

MOST_REGIONS = 32

EXAMPLE = 'Write for example Region("cat", mask=(0, 0, 0.5, 1), loras={"line_art": 0.8}).'

RegionMask = Rectangle | DrawnMask | RestOfPicture | Path | None


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the picture. What is left out is as in the rest of it.

    >>> Region("a red cat", mask=(0, 0, 0.5, 1), loras={"line_art": 0.8}).mask
    Rectangle(left=0, top=0, right=0.5, bottom=1)

    Attributes:
        prompt: Its text, in the prompt language, with LoRA tags that act there alone; empty: the picture's own text.
        mask: Where it lies: edges in fractions of the picture's sides, a drawn mask, a picture's path (white is in it),
            `"background"` (what no other region claims), or None (`"auto"`): found by its words.
        negative: What to steer away from there; None: what the picture steers away from.
        loras: LoRAs that act there alone, in addition to the picture's.
        weight: Its share where it lies, against the picture's own text and LoRAs; 0 is exactly off.
        feather: How far its edge is spread, as a share of the picture's shorter side.
        words: The words of the picture's prompt that mean what is in it; the other regions do not hear them. Where it is
            to be found, its own prompt if left out.
    """

    prompt: str = ""
    mask: RegionMask = None
    negative: str | None = None
    loras: tuple[LoraUse, ...] = ()
    weight: float = 1.0
    feather: float = 0.0
    words: str = ""

    def __post_init__(self) -> None:
        """Take edges, texts and tables where a mask and a mix are meant; refuse values of the wrong type."""
        check_fields(self)
        object.__setattr__(self, "mask", _mask_of(self.mask))
        object.__setattr__(self, "loras", mix_of(self.loras))

    def beside(self, folder: Path) -> Region:
        """Return it with the relative path of its mask taken from a folder."""
        return replace(self, mask=folder / self.mask.expanduser()) if isinstance(self.mask, Path) else self


def regions_of(given: object) -> tuple[Region, ...]:
    """Return regions, however they are listed; a table of a region's fields is one.

    Raises:
        RequestError: They are none.
    """
    listed = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    return tuple(one if isinstance(one, Region) else _of_table(one) for one in listed)


def regions_as_json(regions: Iterable[Region]) -> list[dict[str, object]]:
    """Return regions as plain values, as `regions_of` takes them: the form of the page and of calls over HTTP.

    >>> regions_as_json([Region("cat", mask=(0, 0, 0.5, 1), feather=0.1)])
    [{'prompt': 'cat', 'mask': [0, 0, 0.5, 1], 'feather': 0.1}]

    Raises:
        RequestError: A mask is a picture's path, or a LoRA's strength is more than a number.
    """
    return [_as_table(region) for region in regions]


def check_region(region: Region) -> None:
    """Refuse a region that cannot be drawn.

    Raises:
        RequestError: Its mask is no part of the picture, or a number is out of range.
    """
    for name, value in (("weight", region.weight), ("feather", region.feather)):
        if not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise RequestError(f"the {name} of a region is {value:g}", remedy="Use 0 to 1.")
    if isinstance(region.mask, Rectangle):
        check_rectangle(region.mask)
    if region.mask is None and not (region.words.strip() or region.prompt.strip()):
        raise RequestError(
            "a region without a mask has no words it could be found by",
            remedy="Give its mask, or the words of the prompt that mean what is in it.",
        )
    for use in region.loras:
        check_strength(use)


def _mask_of(given: Any) -> RegionMask:  # noqa: ANN401 whatever was written
    if isinstance(given, str):
        word = given.strip().lower()
        if word == BACKGROUND:
            return RestOfPicture()
        return None if word == FOUND else DrawnMask.read(given) or Path(given)
    if given is None or isinstance(given, (Rectangle, DrawnMask, RestOfPicture, Path)):
        return given
    return rectangle_of(given, owner="Region")


def _of_table(given: object) -> Region:
    if not isinstance(given, Mapping) or not given.keys() <= set(Region.__dataclass_fields__):
        raise wrong_type("RenderRequest", "regions", given, "regions", 'regions=[Region("cat", mask=(0, 0, 0.5, 1))]')
    loras = given.get("loras", ())
    if isinstance(loras, (list, tuple)) and any(isinstance(one, Mapping) for one in loras):
        try:
            loras = _uses().validate_python(loras)
        except ValidationError as error:
            raise RequestError(f"the LoRAs of a region: {error.errors()[0]['msg']}", remedy=EXAMPLE) from error
    return Region(**{**given, "loras": loras})


def region_table(region: Region) -> dict[str, object]:
    """Return what a region says besides its LoRAs, as plain values by the keys of its table.

    Raises:
        RequestError: Its mask is a picture's path.
    """
    mask = region.mask
    if isinstance(mask, Path):
        raise RequestError(
            "the mask of a region is a picture's path, which a text cannot hold", remedy="Draw it, or give a rectangle."
        )
    word = BACKGROUND if isinstance(mask, RestOfPicture) else FOUND
    edges = [mask.left, mask.top, mask.right, mask.bottom] if isinstance(mask, Rectangle) else word
    said: dict[str, object] = {
        "prompt": region.prompt,
        "mask": mask.text if isinstance(mask, DrawnMask) else edges,
        "negative": region.negative,
        "weight": region.weight,
        "feather": region.feather,
        "words": region.words,
    }
    usual = {"negative": None, "weight": 1.0, "feather": 0.0, "words": ""}
    return {name: value for name, value in said.items() if name not in usual or value != usual[name]}


def _as_table(region: Region) -> dict[str, object]:
    if not region.loras:
        return region_table(region)
    short = {use.name: use.strength.denoiser for use in region.loras}
    bare = all(use.strength == Strength(use.strength.denoiser) for use in region.loras)
    long = _uses().dump_python(region.loras, mode="json")
    return region_table(region) | {"loras": short if bare and len(short) == len(region.loras) else long}


@cache
def _uses() -> TypeAdapter[tuple[LoraUse, ...]]:
    return TypeAdapter(tuple[LoraUse, ...])
