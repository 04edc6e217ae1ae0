"""The methods of blending, a row each, the sum first; their names and numbers are in `lora_mixer.choices.METHODS`.

A method is a file in this room and a row here. Both engines, exported files and the size of a mix go through the row. Where
one adapter acts on a module there is nothing to blend, and every method is the sum there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from lora_mixer.adapters import Delta, Weights
from lora_mixer.blend import composite, dare, linear_sum, ssr, ties, turns
from lora_mixer.blend.arrange import Arrange, MixRow, Scene, arranged
from lora_mixer.blend.branch import build_branch
from lora_mixer.blend.dense import per_parameter
from lora_mixer.blend.method import Blend, Factored
from lora_mixer.blend.stack import Stack, Term, WeightedAdapter
from lora_mixer.choices import SUM, BlendMethod
from lora_mixer.modules import ModuleName


def _summed(name: str, arrange: Arrange | None = None) -> Blend:
    """Return the row of the sum, or of a method whose rows are applied by it."""
    return Blend(
        name=name,
        change=linear_sum.change,
        factored=Factored(linear_sum.join, linear_sum.merge),
        beside=build_branch,
        linear=True,
        arrange=arrange,
    )


BLENDS: tuple[Blend, ...] = (
    _summed("sum"),
    Blend(name="ties", change=per_parameter(ties.resolve)),
    Blend(name="dare", change=per_parameter(dare.resolve)),
    _summed("switch", turns.switch),
    _summed("w_switch", turns.weighted_switch),
    _summed("composite", composite.composite),
    _summed("w_composite", composite.weighted_composite),
    _summed("ssr", ssr.arrange),
)
_BY_NAME: Mapping[str, Blend] = MappingProxyType({row.name: row for row in BLENDS})


def blend_of(method: BlendMethod) -> Blend:
    """Return what a method does with weights."""
    return _BY_NAME[method.row.name]


class StackRow(NamedTuple):
    """A mix that acts on one row of a picture's batch, and how much that row's prediction weighs."""

    stack: Stack
    weight: float


def stacks_of(
    method: BlendMethod, mix: Sequence[WeightedAdapter], scene: Scene, *, beside: Sequence[WeightedAdapter] = ()
) -> tuple[StackRow, ...]:
    """Return the rows of a mix under a method, as stacks; their weights add up to 1.

    Args:
        method: How it is blended.
        mix: What is blended, in any order.
        scene: What the method may look at.
        beside: What acts on every row besides, such as a LoRA for the negative prompt only.
    """
    blend = blend_of(method)
    rows: Sequence[MixRow] = arranged(blend.arrange, mix, scene)
    then = method if blend.arrange is None else SUM
    return tuple(StackRow(Stack((*row.placed, *beside), method=then), row.weight) for row in rows)


def acting(method: BlendMethod, terms: Sequence[Term]) -> BlendMethod:
    """Return the method that acts on a module: where one adapter does, the sum."""
    return method if len(terms) > 1 else SUM


def is_linear(method: BlendMethod, terms: Sequence[Term]) -> bool:
    """Return whether what acts on a module adds up as strengths times changes."""
    return blend_of(acting(method, terms)).linear


def change_of_mix(method: BlendMethod, name: ModuleName, base: Weights, terms: Sequence[Term]) -> Delta:
    """Return what a mix changes of a module.

    Args:
        method: How it is blended.
        name: The module.
        base: W0 and the bias in float32.
        terms: What acts on it, in canonical order.
    """
    acts = acting(method, terms)
    return blend_of(acts).change(name, base, terms, acts.numbers)
