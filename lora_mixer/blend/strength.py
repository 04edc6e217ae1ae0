"""A strength evaluated for one module and step: part, block, curve, and the mean of a mask."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from lora_mixer.blend.masks import Mask
from lora_mixer.keys import means
from lora_mixer.mixes import Curve, ElementWeight, Strength
from lora_mixer.modules import DENOISER, ModuleSpec, Sees

BlockKey = tuple[str, str, bool, tuple[bool, ...]]
"""Part, block, whether it has a place in the picture, and which elements mean it."""
Elements = tuple[ElementWeight, ...]
"""Elements without their weights."""


def strength_at(strength: Strength, spec: ModuleSpec, *, progress: float, masks: Sequence[Mask] = ()) -> float:
    """Return the factor that acts on one module at a moment of sampling.

    Args:
        strength: What the sliders say.
        spec: The module.
        progress: How far sampling has come, 0..1. Text encoders do not see it: text is encoded once.
        masks: Where it acts.

    A mask acts on what lies over the picture. Text lies nowhere: on text encoders and on the text's keys and values
    an adapter acts with its mask's mean, so that a mask of everything is no mask and a mask of nothing is off.
    """
    factor = strength.of(spec.name.part)
    if strength.blocks or strength.elements:
        factor *= _weight(strength, spec)
    if strength.curve is not None and spec.name.part == DENOISER:
        factor *= curve_at(strength.curve, progress)
    if spec.sees is not Sees.PICTURE:
        factor *= math.prod(mask.mean for mask in masks)
    return factor


def curve_at(curve: Curve, progress: float) -> float:
    """Return a curve's factor: straight lines between its points, flat outside them.

    >>> curve_at(Curve(points=((0.0, 0.0), (0.5, 1.0))), 0.25)
    0.5
    """
    return curve.at(progress)


def _weight(strength: Strength, spec: ModuleSpec) -> float:
    """Return the weight of a module: the last element's that means it, else its block's."""
    for element in reversed(strength.elements):
        if means(element, spec):
            return element.weight
    return strength.blocks.get(spec.block, 1.0)


def unweighted(strengths: Iterable[Strength]) -> Elements:
    """Return the strengths' elements without weights, deduplicated, in a fixed order."""
    bare = {replace(element, weight=1.0) for strength in strengths for element in strength.elements}
    return tuple(sorted(bare, key=repr))


def block_key(spec: ModuleSpec, elements: Elements = ()) -> BlockKey:
    """Return what modules must share for one strength to act alike on them.

    Args:
        spec: The module.
        elements: The elements of all strengths that may act, weights aside.
    """
    meant = tuple(means(element, spec) for element in elements)
    return spec.name.part, spec.block, spec.sees is Sees.PICTURE, meant
