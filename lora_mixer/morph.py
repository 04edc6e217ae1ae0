"""Between mixes: a weighted mean of mixes, the weights of a pad with a mix at each corner, and paths from mix to mix.

A mean of mixes is the mean of what they change: every strength times its mix's weight. LoRAs that differ in nothing but their
numbers become one use, whose strength is a number to look at; others stand side by side, and the same LoRA twice acts with the sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from lora_mixer.errors import RequestError
from lora_mixer.families import text_parts
from lora_mixer.mixes import LoraUse, Mix, Strength

EXAMPLE = 'Give for example [{"line_art": 1}, {"sepia": 1}].'


def weighted(mixes: Sequence[Mix], weights: Sequence[float]) -> Mix:
    """Return the weighted mean of mixes; a mix of weight 0 is not in it.

    >>> weighted([Mix({"ink": 1.0}), Mix({"ink": 0.5, "sepia": 1.0})], [0.5, 0.5]).uses[0].strength.denoiser
    0.75

    Raises:
        RequestError: There is no mix, the weights are not as many numbers, or the mixes have different methods.
    """
    if not mixes or len(mixes) != len(weights) or not all(map(math.isfinite, weights)):
        raise RequestError("mixes and their weights do not go together", where="morph", remedy=EXAMPLE)
    acting = [(mix, weight) for mix, weight in zip(mixes, weights, strict=True) if weight != 0.0]
    methods = sorted({mix.method for mix, _ in acting})
    if len(methods) > 1:
        raise RequestError(
            f"there is no way between mixes that are blended by {' and by '.join(methods)}",
            where="morph",
            remedy="Give all of them one method.",
        )
    uses: list[LoraUse] = []
    for mix, weight in acting:
        for use in mix.uses:
            _add(uses, replace(use, strength=_times(use.strength, weight)))
    return Mix(tuple(uses), methods[0] if methods else mixes[0].method)


def pad(corners: int, x: float, y: float) -> tuple[float, ...]:
    """Return the weights of a pad's corners for a point (x, y), 0..1 from the left and from the top; they add up to 1.

    Two corners are the ends of a crossfader, along x. Three lie top left, top right and at the bottom. Four are the pad's
    own, row by row.

    >>> pad(2, 0.25, 0), pad(4, 1, 0), pad(3, 0, 1)
    ((0.75, 0.25), (0, 1, 0, 0), (0, 0, 1))

    Raises:
        RequestError: There are fewer corners or more, or the point lies elsewhere.
    """
    if corners not in (2, 3, 4) or not (0 <= x <= 1 and 0 <= y <= 1):
        raise RequestError(
            f"a pad of {corners} corners has no point ({x:g}, {y:g})",
            where="pad",
            remedy="Give two to four mixes, and x and y from 0 to 1.",
        )
    left, top = 1 - x, 1 - y
    return {
        2: (left, x),
        3: (left * top, x * top, y),
        4: (left * top, x * top, left * y, x * y),
    }[corners]


def path(mixes: int, places: int, *, loop: bool = False) -> tuple[tuple[float, ...], ...]:
    """Return the weights along a path from mix to mix in even steps, from the first to the last, or around.

    >>> path(2, 3), path(2, 4, loop=True)
    (((1.0, 0.0), (0.5, 0.5), (0.0, 1.0)), ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0), (0.5, 0.5)))

    Raises:
        RequestError: There are fewer than two mixes, or fewer places than mixes.
    """
    if mixes < 2 or places < mixes:
        raise RequestError(
            f"{places} places make no path between {mixes} mixes",
            where="morph",
            remedy="Give two mixes or more, and as many places at least.",
        )
    stops = [*range(mixes), *([0] if loop else [])]
    legs = list(pairwise(stops))
    found = []
    for place in range(places):
        along = place * len(legs) / (places if loop else places - 1)
        leg = min(int(along), len(legs) - 1)
        share, weights = along - leg, [0.0] * mixes
        weights[legs[leg][0]] += 1.0 - share
        weights[legs[leg][1]] += share
        found.append(tuple(weights))
    return tuple(found)


def label(mix: Mix) -> str:
    """Return a mix in a line: its LoRAs with their strengths.

    >>> label(Mix({"ink": 0.5, "sepia": 1.0}))
    'ink 0.5, sepia 1'
    """
    return ", ".join(f"{use.name} {use.strength.denoiser:.3g}" for use in mix.uses) or "no LoRA"


def _times(strength: Strength, weight: float) -> Strength:
    text = {part: factor * weight for part, factor in strength.text.items()}
    return replace(strength, denoiser=strength.denoiser * weight, text=text)


def _add(uses: list[LoraUse], use: LoraUse) -> None:
    """Add a LoRA to others; one that differs in nothing but its numbers takes them up."""
    for place, other in enumerate(uses):
        if _form(other) == _form(use):
            uses[place] = replace(other, strength=_sum(other.strength, use.strength))
            return
    uses.append(use)


def _form(use: LoraUse) -> object:
    return use.name, replace(use.strength, denoiser=1.0, text={})


def _sum(left: Strength, right: Strength) -> Strength:
    apart = left.text or right.text
    text = {part: left.of(part) + right.of(part) for part in text_parts()} if apart else {}
    return replace(left, denoiser=left.denoiser + right.denoiser, text=text)
