"""Weights by block and kind of layer, as people write them, and the layers they mean.

Source: sd-webui-lora-block-weight (hako-mikan), `ratiodealer`, `hyphener` and `ELEMPRESETS` in
`scripts/lora_block_weight.py`: an element is `blocks:words:weight`; blocks and words have spaces between them, a range
of blocks a hyphen, and NOT before them means the others. A layer is meant whose name in the original code base (LDM)
has one of the words. Its weight takes the place of the weight of the layer's block; the last element counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from types import MappingProxyType

from lora_mixer.errors import RequestError
from lora_mixer.families import SD1
from lora_mixer.keys.blocks import all_blocks, blocks_of
from lora_mixer.mixes import ElementWeight
from lora_mixer.modules import ModuleSpec

_ALIASES = MappingProxyType({"M00": "MID"})
_NOT = "NOT"
_DEEP = blocks_of(SD1)[blocks_of(SD1).index("IN05") : blocks_of(SD1).index("OUT05") + 1]
_REMEDY = (
    "Write blocks/layers/weight, as in IN05-OUT05/attn/0.5, with commas between several; nothing means all, "
    "and NOT before blocks or layers means the others."
)

ELEMENT_PRESETS = MappingProxyType(
    {
        "ATTNDEEPON": (ElementWeight(blocks=_DEEP, layers=("attn",), weight=1.0),),
        "ATTNDEEPOFF": (ElementWeight(blocks=_DEEP, layers=("attn",), weight=0.0),),
        "PROJDEEPOFF": (ElementWeight(blocks=_DEEP, layers=("proj",), weight=0.0),),
    }
)
"""The elements that the extension has by name when it is new."""


def parse_elements(text: str) -> tuple[ElementWeight, ...]:
    """Return the elements of a text, or of the name of a preset.

    Colons are slashes: what stands in a LoRA tag has slashes, since colons part the tag.

    >>> parse_elements("IN05-IN06 MID/NOT attn/0.5")[0].blocks
    ('IN05', 'IN06', 'MID')

    Raises:
        RequestError: It is neither; what can be written is in the text.
    """
    preset = ELEMENT_PRESETS.get(text.strip().upper())
    return preset if preset is not None else tuple(map(_element, text.split(",")))


def elements_text(elements: Sequence[ElementWeight]) -> str:
    """Return the name of a preset, or the text, that `parse_elements` reads as these elements.

    >>> elements_text(parse_elements("IN01 IN02:attn:0")), elements_text(parse_elements("IN05-OUT05/attn/0"))
    ('IN01-IN02/attn/0', 'ATTNDEEPOFF')
    """
    for name, preset in ELEMENT_PRESETS.items():
        if preset == tuple(elements):
            return name
    return ",".join(
        f"{_ranges(element.blocks)}/{_NOT + ' ' if element.others else ''}{' '.join(element.layers)}"
        f"/{repr(float(element.weight)).removesuffix('.0')}"
        for element in elements
    )


def means(element: ElementWeight, spec: ModuleSpec) -> bool:
    """Tell whether an element means a module."""
    if element.blocks and spec.block not in element.blocks:
        return False
    named = any(word in spec.original or word == spec.block for word in element.layers)
    return not element.layers or named != element.others


def check_elements(elements: Iterable[ElementWeight]) -> None:
    """Refuse elements with a block that no family has, or a word that no text of elements can hold.

    Raises:
        RequestError: There is one.
    """
    for element in elements:
        for block in element.blocks:
            _known(block, exactly=True)
        for word in element.layers:
            if word == _NOT or not re.fullmatch(r"\w+", word, re.ASCII):
                raise RequestError(
                    f"{word!r} is no part of a layer's name", remedy="Use letters, digits and underscores, as in attn."
                )


def _element(text: str) -> ElementWeight:
    parts = re.split("[:/]", text)
    if len(parts) != 3:
        named = f"{', '.join(ELEMENT_PRESETS)} are names of elements. "
        raise RequestError(f"{text.strip()!r} is no weight of an element", remedy=f"{named}{_REMEDY}")
    blocks, layers, weight = (part.strip() for part in parts)
    away, layer_words = _words(layers)
    element = ElementWeight(blocks=_blocks(blocks), layers=layer_words, others=away, weight=_weight(weight))
    check_elements([element])
    return element


def _words(text: str) -> tuple[bool, tuple[str, ...]]:
    words = tuple(text.split())
    if words[:1] != (_NOT,):
        return False, words
    if len(words) == 1:
        raise RequestError("NOT has nothing after it", remedy=_REMEDY)
    return True, words[1:]


def _blocks(text: str) -> tuple[str, ...]:
    away, words = _words(text)
    known = all_blocks()
    named: list[str] = []
    for word in words:
        ends = [known.index(_known(end)) for end in word.split("-", 1)]
        named += known[min(ends) : max(ends) + 1]
    if not away:
        return tuple(dict.fromkeys(named))
    others = tuple(block for block in known if block not in named)
    if not others:
        raise RequestError(f"{text!r} means no block", remedy=_REMEDY)
    return others


def _known(word: str, *, exactly: bool = False) -> str:
    block = word if exactly else _ALIASES.get(word.upper(), word.upper())
    if block not in all_blocks():
        raise RequestError(f"there is no block {word!r}", remedy=f"Use {', '.join(all_blocks())}.")
    return block


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RequestError(f"{text!r} is no weight of an element", remedy=_REMEDY)
    return value


def _ranges(blocks: Iterable[str]) -> str:
    """Return blocks with neighbours as ranges, in the order they are named."""
    known = all_blocks()
    runs = (
        [block for _, block in run]
        for _, run in groupby(enumerate(blocks), lambda pair: pair[1] in known and known.index(pair[1]) - pair[0])
    )
    return " ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
