"""Balanced strengths: scaled so that what several adapters change together is no larger than what one of them changes.

With G_ij = <D_i, D_j> the inner products of the changes in a block (`lora_mixer.blend.overlap`) and s the strengths there,

    f = min(1, max_i |s_i D_i| / |sum_i s_i D_i|) = min(1, sqrt(max_i s_i^2 G_ii / s^T G s))

and every strength is multiplied by f: by that of its block, or by one for the whole model. This is the norm by which
ComfyUI-LoRA-Optimizer's auto-strength goes (energy of the sum against the strongest one). One adapter alone has f = 1, and a
mix that takes itself back is not made larger. Factors are rounded down to three digits, so that they may be shown and moved.

A curve counts with its largest factor, a mask as if it were everywhere. Biases and embeddings are left out of the account.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lora_mixer.blend.arrange import Placed
from lora_mixer.blend.overlap import Gram, place_of
from lora_mixer.blend.stack import WeightedAdapter
from lora_mixer.blend.strength import strength_at
from lora_mixer.choices import BY_BLOCK
from lora_mixer.mixes import ElementWeight, Strength
from lora_mixer.modules import DENOISER, ModuleName, ModuleSpec

DIGITS = 1000
WHOLE = "mix"
"""What the factor of the whole model is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSize:
    """What a mix changes in a block, as norms: its largest part by itself, and the sum."""

    largest: float
    together: float

    @property
    def factor(self) -> float:
        """What strengths are multiplied by there."""
        if self.together <= self.largest:
            return 1.0
        return math.floor(DIGITS * self.largest / self.together) / DIGITS


def sizes(
    mix: Sequence[WeightedAdapter], grams: Mapping[ModuleName, Gram], order: Sequence[str]
) -> dict[str, BlockSize]:
    """Return what a mix changes, by block; text encoders by part, and `mix` for the whole model.

    Args:
        mix: The mix.
        grams: Inner products of the adapters' changes by module.
        order: The adapters' digests in the order of the rows of `grams`.
    """
    alone: dict[str, list[float]] = defaultdict(lambda: [0.0] * len(order))
    together: dict[str, float] = defaultdict(float)
    for name, gram in grams.items():
        spec = next(one.adapter.modules[name] for one in mix if name in one.adapter.modules)
        acting = _strengths(mix, spec, order)
        for block in (place_of(spec), WHOLE):
            for i, s in enumerate(acting):
                alone[block][i] += s * s * gram[i][i]
                together[block] += math.fsum(s * t * gram[i][j] for j, t in enumerate(acting))
    return {
        block: BlockSize(largest=math.sqrt(max(alone[block])), together=math.sqrt(max(together[block], 0.0)))
        for block in alone
    }


def balanced(mix: Sequence[WeightedAdapter], found: Mapping[str, BlockSize], per: str) -> Placed:
    """Return a mix with balanced strengths.

    Args:
        mix: The mix.
        found: What it changes, by block.
        per: `block`, or `mix` for one factor.
    """
    factors = factors_of(found, per)
    return tuple(replace(one, strength=_times(one.strength, factors, _parts(one))) for one in mix)


def factors_of(found: Mapping[str, BlockSize], per: str) -> dict[str, float]:
    """Return the factors that are not 1, by block."""
    kept = {block: size.factor for block, size in found.items() if (block != WHOLE) == (per == BY_BLOCK)}
    return {block: factor for block, factor in kept.items() if factor != 1.0}


def _strengths(mix: Sequence[WeightedAdapter], spec: ModuleSpec, order: Sequence[str]) -> list[float]:
    total = dict.fromkeys(order, 0.0)
    for one in mix:
        still = replace(one.strength, curve=None, mask=None)
        if spec.name in one.adapter.layers:
            total[one.adapter.digest] += strength_at(still, spec, progress=0.0) * _peak(one.strength, spec)
    return [total[digest] for digest in order]


def _peak(strength: Strength, spec: ModuleSpec) -> float:
    """Return the factor of a curve that is farthest from 0."""
    if strength.curve is None or spec.name.part != DENOISER:
        return 1.0
    return max((factor for _, factor in strength.curve.points), key=abs)


def _parts(one: WeightedAdapter) -> list[str]:
    """Return the text encoders that an adapter acts on."""
    return sorted({name.part for name in one.adapter.layers} - {DENOISER})


def _times(strength: Strength, factors: Mapping[str, float], parts: Sequence[str]) -> Strength:
    """Return a strength times factors by block."""
    if not factors:
        return strength
    whole = factors.get(WHOLE, 1.0)
    text = {part: strength.of(part) * whole * factors.get(part, 1.0) for part in parts}
    blocks = {block: factor for block, factor in factors.items() if block not in (WHOLE, *parts)}
    return replace(
        strength,
        denoiser=strength.denoiser * whole,
        text={**strength.text, **text},
        blocks={**strength.blocks, **{block: strength.blocks.get(block, 1.0) * f for block, f in blocks.items()}},
        elements=tuple(other for one in strength.elements for other in _by_block(one, blocks)),
    )


def _by_block(element: ElementWeight, factors: Mapping[str, float]) -> list[ElementWeight]:
    """Return the weight of some kinds of layers, which stands in the place of block weights, as one a block."""
    inside = {block: f for block, f in factors.items() if not element.blocks or block in element.blocks}
    others = tuple(block for block in element.blocks if block not in inside)
    rest = [element] if not element.blocks else [replace(element, blocks=others)] if others else []
    return [*rest, *(replace(element, blocks=(block,), weight=element.weight * f) for block, f in inside.items())]
