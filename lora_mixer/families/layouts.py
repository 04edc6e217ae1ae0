"""Block weights of UNets: the lists of numbers people write, which block each number is for, and lists with a name.

Source: sd-webui-lora-block-weight (hako-mikan), README: the four lists, their order, and the presets. A block that a
list leaves out has weight 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lora_mixer.families.record import BlockLayout
from lora_mixer.families.unet import MID
from lora_mixer.modules import BASE


def _named(side: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{side}{number:02d}" for number in numbers)


_SD_LORA = (BASE, *_named("IN", 1, 2, 4, 5, 7, 8), MID, *_named("OUT", *range(3, 12)))
_SDXL_LORA = (BASE, *_named("IN", 4, 5, 7, 8), MID, *_named("OUT", *range(6)))
_SDXL_ALL = (BASE, *_named("IN", *range(9)), MID, *_named("OUT", *range(9)))
_SD_ALL = (BASE, *_named("IN", *range(12)), MID, *_named("OUT", *range(12)))

_ROWS: Mapping[str, Sequence[float]] = {
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


def uniform(blocks: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Return the presets that say the same of every block, so that they mean as much for any layout."""
    return {name: dict.fromkeys(blocks, value) for name, value in (("NONE", 0.0), ("ALL", 1.0), ("ALL0.5", 0.5))}


FOUR_LEVELS = BlockLayout(
    blocks=_SD_ALL,
    lists=(_SD_LORA, _SD_ALL),
    presets={name: dict(zip(_SD_LORA, map(float, row), strict=True)) for name, row in _ROWS.items()},
)
"""SD 1.x and 2.x: 17 numbers for LoRA, 26 for LoCon."""

THREE_LEVELS = BlockLayout(blocks=_SDXL_ALL, lists=(_SDXL_LORA, _SDXL_ALL), presets=uniform(_SDXL_ALL))
"""SDXL: 12 numbers for LoRA, 20 for LoCon."""

REFINER = BlockLayout(blocks=_SD_ALL, lists=(_SD_LORA, _SD_ALL), presets=uniform(_SD_ALL))
"""The SDXL refiner: four levels like SD 1.x, but other depths, so that only uniform presets are meant for it."""
