"""One number from a strength: part, block and step taken together."""

from __future__ import annotations

from itertools import pairwise

from lora_mixer.keys import block_of
from lora_mixer.modules import Family, ModuleName
from lora_mixer.request import Curve, Strength


def strength_at(strength: Strength, name: ModuleName, *, family: Family, progress: float) -> float:
    """Return the factor that acts on one module at a moment of sampling.

    Args:
        strength: What the sliders say.
        name: The module.
        family: The model's family; it decides which block a module belongs to.
        progress: How far sampling has come, 0..1. Text encoders do not see it: text is encoded once.
    """
    factor = strength.of(name.part)
    if strength.blocks:
        factor *= strength.blocks.get(block_of(name, family), 1.0)
    if strength.curve is not None and name.part == "unet":
        factor *= curve_at(strength.curve, progress)
    return factor


def curve_at(curve: Curve, progress: float) -> float:
    """Return a curve's factor: straight lines between its points, flat outside them.

    >>> curve_at(Curve(points=((0.0, 0.0), (0.5, 1.0))), 0.25)
    0.5
    """
    points = curve.points
    if progress <= points[0][0]:
        return points[0][1]
    for (left, low), (right, high) in pairwise(points):
        if progress <= right:
            return low + (high - low) * (progress - left) / (right - left) if right > left else high
    return points[-1][1]


def block_key(name: ModuleName, family: Family) -> str:
    """Return what modules must share for one strength to act alike on them: their part and block."""
    return f"{name.part}:{block_of(name, family)}"
