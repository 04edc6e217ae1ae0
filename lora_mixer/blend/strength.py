"""A strength evaluated for one module and step: part, block, curve, and the mean of a mask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lora_mixer.blend.masks import has_place, open_mask
from lora_mixer.keys import block_of, means
from lora_mixer.mixes import Curve, ElementWeight, Strength
from lora_mixer.modules import Family, ModuleName

BlockKey = tuple[str, str, bool, tuple[bool, ...]]
"""Part, block, whether it has a place in the picture, and which elements mean it."""
Elements = tuple[ElementWeight, ...]
"""Elements without their weights."""


def strength_at(strength: Strength, name: ModuleName, *, family: Family, progress: float) -> float:
    """Return a strength's factor for one module at one moment of sampling.

    Args:
        strength: What the sliders say.
        name: The module.
        family: The model's family; it decides which block a module belongs to.
        progress: How far sampling has come, 0..1. Text encoders do not see it: text is encoded once.

    A mask acts on what lies over the picture. Text lies nowhere: on text encoders and on the text's keys and values
    an adapter acts with its mask's mean, so that a mask of everything is no mask and a mask of nothing is off.
    """
    factor = strength.of(name.part)
    if strength.blocks or strength.elements:
        factor *= _weight(strength, name, family)
    if strength.curve is not None and name.part == "unet":
        factor *= curve_at(strength.curve, progress)
    if strength.mask is not None and not has_place(name):
        factor *= open_mask(strength.mask).mean
    return factor


def curve_at(curve: Curve, progress: float) -> float:
    """Return a curve's factor: straight lines between its points, flat outside them.

    >>> curve_at(Curve(points=((0.0, 0.0), (0.5, 1.0))), 0.25)
    0.5
    """
    return curve.at(progress)


def _weight(strength: Strength, name: ModuleName, family: Family) -> float:
    """Return a module's weight: that of the last matching element, else its block's."""
    for element in reversed(strength.elements):
        if means(element, name, family):
            return element.weight
    return strength.blocks.get(block_of(name, family), 1.0)


def unweighted(strengths: Iterable[Strength]) -> Elements:
    """Return the strengths' elements without weights, deduplicated, in a fixed order."""
    bare = {replace(element, weight=1.0) for strength in strengths for element in strength.elements}
    return tuple(sorted(bare, key=repr))


def block_key(name: ModuleName, family: Family, elements: Elements = ()) -> BlockKey:
    """Return the key that modules must share to have the same factor under every strength.

    Args:
        name: The module.
        family: The model's family.
        elements: The elements of all strengths that may act, weights aside.
    """
    meant = tuple(means(element, name, family) for element in elements)
    return name.part, block_of(name, family), has_place(name), meant
