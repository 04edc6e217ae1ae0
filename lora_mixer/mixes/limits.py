"""Which strengths and curves may be set at all."""

from __future__ import annotations

import math
from itertools import pairwise

from lora_mixer.errors import RequestError
from lora_mixer.mixes.curve import Curve
from lora_mixer.mixes.mix import LoraUse

MAX_STRENGTH = 1000.0


def check_strength(use: LoraUse) -> None:
    """Refuse factors that are no finite number of a usable size, and curves whose points do not rise.

    Raises:
        RequestError: One is.
    """
    given = use.strength
    factors = [given.denoiser, *given.text.values(), *given.blocks.values()]
    factors += [element.weight for element in given.elements]
    factors += [number for point in given.curve.points for number in point] if given.curve else []
    for factor in factors:
        if not (math.isfinite(factor) and abs(factor) <= MAX_STRENGTH):
            raise RequestError(
                f"{factor:g} is not a strength",
                where=f"LoRA {use.name}",
                remedy=f"Use -{MAX_STRENGTH:g} to {MAX_STRENGTH:g}; most LoRAs are made for 0 to 1.",
            )
    if given.curve is not None:
        _check_curve(use.name, given.curve)


def _check_curve(name: str, curve: Curve) -> None:
    positions = [position for position, _ in curve.points]
    rising = all(left <= right for left, right in pairwise(positions))
    if not positions or not rising or positions[0] < 0.0 or positions[-1] > 1.0:
        raise RequestError(
            f"a curve over the steps cannot have its points at {positions}",
            where=f"LoRA {name}",
            remedy="Give one point or more, with rising positions from 0 (the first step) to 1 (the last).",
        )
