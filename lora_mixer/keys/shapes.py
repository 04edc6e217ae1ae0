"""Inputs and outputs of the module a group was made for, from the shapes of its tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isqrt
from typing import NamedTuple

from lora_mixer.modules import Shape

Shapes = Mapping[str, Shape]
"""One group's shapes by slot."""


class Widths(NamedTuple):
    """Channels a module takes and gives; None where the group does not tell."""

    inputs: int | None = None
    outputs: int | None = None


def widths_of(shapes: Shapes) -> Widths:
    """Return the widths of a group's module.

    >>> widths_of({"up": (320, 8), "down": (8, 768)})
    Widths(inputs=768, outputs=320)
    """
    for slots, measure in _MEASURES:
        if slots <= shapes.keys():
            try:
                return measure(shapes)
            except (IndexError, KeyError, ValueError):
                return Widths()
    return Widths()


def is_whole(shapes: Shapes) -> bool:
    """Return whether the factors of a group agree with one another, whatever module they are for.

    >>> is_whole({"up": (320, 8), "down": (4, 768)})
    False
    """
    pairs = ((("up", 1), ("down", 0)), (("w1_a", 1), ("w1_b", 0)), (("w2_a", 1), ("w2_b", 0)))
    for (left, axis), (right, other) in pairs:
        if left in shapes and right in shapes and "t1" not in shapes and "mid" not in shapes:
            one, two = shapes[left], shapes[right]
            if len(one) <= axis or len(two) <= other or one[axis] != two[other] or not one[axis]:
                return False
    return widths_of(shapes) != Widths()


def _loha(shapes: Shapes) -> Widths:
    return Widths(shapes["w1_b"][1], shapes["w1_a"][1 if "t1" in shapes else 0])


def _lokr(shapes: Shapes) -> Widths:
    one = shapes.get("k1") or (shapes["k1_a"][0], shapes["k1_b"][1])
    outer = 1 if "kt2" in shapes else 0
    two = shapes.get("k2") or (shapes["k2_a"][outer], shapes["k2_b"][1])
    return Widths(one[1] * two[1], one[0] * two[0])


def _glora(shapes: Shapes) -> Widths:
    """Return a GLoRA's widths; its newer layout has b1 (out, r) and b2 (r, in), the older one the two exchanged."""
    one, two = shapes["b1"], shapes["b2"]
    outer, inner = (one, two) if one[0] > one[1] else (two, one)
    return Widths(inner[1], outer[0])


def _oft_input(shapes: Shapes) -> Widths:
    """Return the inputs of blocks of b(b-1)/2 numbers each; one block may serve any number of inputs."""
    blocks, numbers = shapes["oft_r"]
    return Widths(blocks * ((1 + isqrt(1 + 8 * numbers)) // 2) if blocks > 1 else None, None)


_MEASURES: tuple[tuple[frozenset[str], Callable[[Shapes], Widths]], ...] = (
    (frozenset({"up", "down"}), lambda shapes: Widths(shapes["down"][1], shapes["up"][0])),
    (frozenset({"w1_a", "w1_b"}), _loha),
    (frozenset({"k1"}), _lokr),
    (frozenset({"k1_a", "k1_b"}), _lokr),
    (frozenset({"b1", "b2"}), _glora),
    (frozenset({"diff"}), lambda shapes: Widths(shapes["diff"][1], shapes["diff"][0])),
    (frozenset({"set_weight"}), lambda shapes: Widths(shapes["set_weight"][1], shapes["set_weight"][0])),
    (frozenset({"oft_blocks"}), lambda shapes: Widths(None, shapes["oft_blocks"][-3] * shapes["oft_blocks"][-1])),
    (frozenset({"oft_r"}), _oft_input),
    (frozenset({"w_norm"}), lambda shapes: Widths(None, shapes["w_norm"][0])),
)
"""Slots that must be there -> how they tell. The first row that fits is taken."""
