"""Blocks of the UNet by the names block weights use, and the lists of numbers people write for them.

Source: sd-webui-lora-block-weight (hako-mikan), README: the four lists, their order, and the presets. A block that a
list leaves out has weight 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from lora_mixer.errors import RequestError
from lora_mixer.keys.ldm import ldm_paths
from lora_mixer.keys.scheme import TWO_ENCODERS
from lora_mixer.modules import Family, ModuleName

BASE = "BASE"
MID = "MID"
_SIDES = {"input_blocks": "IN", "output_blocks": "OUT"}


def _named(side: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{side}{number:02d}" for number in numbers)


_SD1_LORA = (BASE, *_named("IN", 1, 2, 4, 5, 7, 8), MID, *_named("OUT", *range(3, 12)))
_SDXL_LORA = (BASE, *_named("IN", 4, 5, 7, 8), MID, *_named("OUT", *range(6)))
_SDXL_ALL = (BASE, *_named("IN", *range(9)), MID, *_named("OUT", *range(9)))
_SD1_ALL = (BASE, *_named("IN", *range(12)), MID, *_named("OUT", *range(12)))

LISTS = MappingProxyType({len(names): names for names in (_SDXL_LORA, _SD1_LORA, _SDXL_ALL, _SD1_ALL)})
"""Length of a list of numbers -> the blocks it is for: SDXL LoRA 12, SD LoRA 17, SDXL LoCon 20, SD LoCon 26."""

_PRESETS_17: Mapping[str, tuple[float, ...]] = {
    "NONE": (0,) * 17,
    "ALL": (1,) * 17,
    "INS": (1, 1, 1, 1) + (0,) * 13,
    "IND": (1, 0, 0, 0, 1, 1, 1) + (0,) * 10,
    "INALL": (1,) * 7 + (0,) * 10,
    "MIDD": (1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1) + (0,) * 5,
    "OUTD": (1,) + (0,) * 7 + (1, 1, 1, 1) + (0,) * 5,
    "OUTS": (1,) + (0,) * 11 + (1,) * 5,
    "OUTALL": (1,) + (0,) * 7 + (1,) * 9,
    "ALL0.5": (0.5,) * 17,
}
_EVERY = frozenset({"NONE", "ALL", "ALL0.5"})
"""Presets that say the same of every block, so they mean as much for SDXL."""

PRESETS = tuple(_PRESETS_17)
"""Names that may be written instead of a list."""


@lru_cache(maxsize=8192)
def block_of(name: ModuleName, family: Family) -> str:
    """Return the block a module belongs to.

    Text encoders are BASE, and so is what belongs to no block of the UNet (time embedding, output layer).

    >>> block_of(ModuleName("unet", "up_blocks.1.attentions.2.proj_in"), Family.SD1)
    'OUT05'
    """
    del family
    paths = ldm_paths(name.path) if name.part == "unet" else ()
    root, _, rest = paths[0].partition(".") if paths else ("", "", "")
    if root == "middle_block":
        return MID
    if root in _SIDES:
        return f"{_SIDES[root]}{int(rest.split('.', 1)[0]):02d}"
    return BASE


def blocks_of(family: Family) -> tuple[str, ...]:
    """Return the names of a family's blocks, in the order of the longest list."""
    return _SDXL_ALL if family is Family.SDXL else _SD1_ALL


def parse_blocks(text: str, family: Family) -> Mapping[str, float]:
    """Return the weight of every block of a family from a list of numbers or the name of a preset.

    >>> parse_blocks("0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0", Family.SD1)["MID"]
    1.0

    Raises:
        RequestError: It is neither; the possible lengths and names are in the text.
    """
    values = _preset(text.strip().upper(), family) or _numbers(text)
    names = LISTS.get(len(values))
    if names is None:
        raise RequestError(
            f"a list of {len(values)} block weights is for no family",
            remedy=f"Write {', '.join(map(str, LISTS))} numbers, or one of {', '.join(PRESETS)}.",
        )
    given = dict(zip(names, values, strict=True))
    if beyond := sorted(block for block, value in given.items() if value and block not in blocks_of(family)):
        raise RequestError(
            f"a list of {len(values)} block weights is not for {family.full_name}, which has no {beyond[0]}",
            remedy="Write 12 or 20 numbers for SDXL, 17 or 26 for the others.",
        )
    return MappingProxyType({block: float(given.get(block, 0.0)) for block in blocks_of(family)})


def _preset(name: str, family: Family) -> tuple[float, ...] | None:
    values = _PRESETS_17.get(name)
    if values is None:
        return None
    if family not in TWO_ENCODERS:
        return values
    if name in _EVERY:
        return (values[0],) * len(blocks_of(family))
    raise RequestError(
        f"the preset {name} is made for the blocks of SD 1.x and 2.x, not for {family.full_name}",
        remedy=f"Write a list of 12 or 20 numbers, or one of {', '.join(sorted(_EVERY))}.",
    )


def _numbers(text: str) -> tuple[float, ...]:
    values = []
    for word in text.split(","):
        try:
            value = float(word)
        except ValueError:
            raise RequestError(
                f"{word.strip()!r} is no block weight",
                remedy=f"Write numbers with commas between them, or one of {', '.join(PRESETS)}; "
                "R, U and X (random and varied weights) become numbers where they stand in a picture's prompt.",
            ) from None
        if not math.isfinite(value):
            raise RequestError(f"the block weight {word.strip()} is not finite", remedy="Write a number.")
        values.append(value)
    return tuple(values)
