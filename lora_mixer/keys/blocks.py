"""Block weights as people write them: lists of numbers, or the name of one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.errors import RequestError
from lora_mixer.families import Family, all_families


def lists() -> Mapping[int, tuple[str, ...]]:
    """Return the lists of all families: how long they are -> the blocks their numbers are for."""
    return {len(names): names for family in reversed(all_families()) for names in family.layout.lists}


def preset_names() -> tuple[str, ...]:
    """Return the names that may be written instead of a list, for one family or another."""
    return tuple(dict.fromkeys(name for family in all_families() for name in family.layout.presets))


def blocks_of(family: Family) -> tuple[str, ...]:
    """Return the names of a family's blocks, in the order of the longest list."""
    return family.layout.blocks


def all_blocks() -> tuple[str, ...]:
    """Return the names of all families' blocks, each once."""
    return tuple(dict.fromkeys(block for family in all_families() for block in family.layout.blocks))


def parse_blocks(text: str, family: Family) -> Mapping[str, float]:
    """Return the weight of every block of a family from a list of numbers or the name of a preset.

    >>> from lora_mixer.families import SD1
    >>> parse_blocks("0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0", SD1)["MID"]
    1.0

    Raises:
        RequestError: It is neither; the possible lengths and names are in the text.
    """
    given = _preset(text.strip().upper(), family)
    if given is None:
        given = _listed(_numbers(text), family)
    return MappingProxyType({block: float(given.get(block, 0.0)) for block in blocks_of(family)})


def _listed(values: tuple[float, ...], family: Family) -> Mapping[str, float]:
    known = {**lists(), **{len(names): names for names in family.layout.lists}}
    names = known.get(len(values))
    if names is None:
        raise RequestError(
            f"a list of {len(values)} block weights is for no family",
            remedy=f"Write {_lengths(family)} numbers for {family.title}, or one of {', '.join(family.layout.presets)}.",
        )
    given = dict(zip(names, values, strict=True))
    if beyond := sorted(block for block, value in given.items() if value and block not in blocks_of(family)):
        raise RequestError(
            f"a list of {len(values)} block weights is not for {family.title}, which has no {beyond[0]}",
            remedy=f"Write {_lengths(family)} numbers for {family.title}.",
        )
    return given


def _lengths(family: Family) -> str:
    return " or ".join(str(len(names)) for names in family.layout.lists)


def _preset(name: str, family: Family) -> Mapping[str, float] | None:
    own = family.layout.presets
    if name in own or name not in preset_names():
        return own.get(name)
    others = ", ".join(other.title for other in all_families() if name in other.layout.presets)
    raise RequestError(
        f"the preset {name} is made for the blocks of {others}, not for {family.title}",
        remedy=f"Write a list of {_lengths(family)} numbers, or one of {', '.join(sorted(own))}.",
    )


def _numbers(text: str) -> tuple[float, ...]:
    values = []
    for word in text.split(","):
        try:
            value = float(word)
        except ValueError:
            raise RequestError(
                f"{word.strip()!r} is no block weight",
                remedy=f"Write numbers with commas between them, or one of {', '.join(preset_names())}; "
                "R, U and X (random and varied weights) become numbers where they stand in a picture's prompt.",
            ) from None
        if not math.isfinite(value):
            raise RequestError(f"the block weight {word.strip()} is not finite", remedy="Write a number.")
        values.append(value)
    return tuple(values)
