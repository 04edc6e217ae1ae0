"""How far each adapter moves the weights, and how much adapters overlap.

With D_i the change of adapter i at strength 1, all of a block's weights written one below the other, and G the Gram
matrix G_ij = <D_i, D_j> (`lora_mixer.adapters.inner`):

    size of one against the weights   |D_i| / |W0| = sqrt(G_ii) / |W0|
    overlap of two                    cos(i, j)    = G_ij / sqrt(G_ii G_jj)
    size of a mix with strengths s    |sum_i s_i D_i| / |W0| = sqrt(s^T G s) / |W0|
    load of a mix                     |sum_i s_i D_i / |D_i|| = sqrt(s^T C s), C the matrix of the cosines

A cosine of 1 is the same change twice, 0 has nothing in common, -1 takes the other back. The load weighs adapters alike
however large their changes are, since each was trained to be seen at strength 1: one adapter at strength 2 has load 2,
and so have four at 1 that have nothing in common. Biases and embeddings are left out of the account.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import torch

from lora_mixer.adapters import Change, Weights, change_of, inner
from lora_mixer.blend.layer_ops import parameters_of
from lora_mixer.blend.methods import change_of_mix
from lora_mixer.blend.stack import Stack
from lora_mixer.choices import SUM, BlendMethod
from lora_mixer.keys import blocks_of
from lora_mixer.mapping import MappedAdapter
from lora_mixer.models import Model
from lora_mixer.modules import DENOISER, ModuleName, ModuleSpec

ALIKE = 0.5
"""Cosines above this mean near-duplicates, below its negative, opposition."""

TOO_STRONG = 1.8
"""The load above which a mix is called too strong: three adapters at 1 with nothing in common are below it, four above."""

Gram = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Sizes and overlaps of some adapters on a model.

    Attributes:
        names: The adapters.
        grams: G by block, text encoders by part, then the denoiser by the names of block weights; only blocks that one
            of them changes.
        weights: |W0| squared of every block of the model.
        method: How the mix is blended.
        blended: |D| squared by block of the mix as the method blends it, at the strengths it was measured for; None
            for the sum, whose size G tells at every strength.
    """

    names: tuple[str, ...]
    grams: Mapping[str, Gram]
    weights: Mapping[str, float]
    method: BlendMethod = SUM
    blended: Mapping[str, float] | None = None

    @property
    def blocks(self) -> tuple[str, ...]:
        """The blocks that any adapter changes."""
        return tuple(self.grams)

    def gram(self, left: int, right: int, block: str | None = None) -> float:
        """Return <D_left, D_right> in a block, or in all."""
        return math.fsum(self.grams[name][left][right] for name in self._in(block))

    def size(self, index: int, block: str | None = None) -> float:
        """Return |D| / |W0| of an adapter at strength 1, in a block or over the whole model."""
        return self.together([float(at == index) for at in range(len(self.names))], block)

    def cosine(self, left: int, right: int, block: str | None = None) -> float:
        """Return the cosine between two adapters' changes; 0 where one of them changes nothing."""
        norms = math.sqrt(self.gram(left, left, block) * self.gram(right, right, block))
        return max(-1.0, min(1.0, self.gram(left, right, block) / norms)) if norms else 0.0

    def together(self, strengths: Sequence[float], block: str | None = None) -> float:
        """Return |sum_i s_i D_i| / |W0| of a mix."""
        places = range(len(self.names))
        square = math.fsum(strengths[i] * strengths[j] * self.gram(i, j, block) for i in places for j in places)
        base = math.fsum(self.weights.values()) if block is None else self.weights[block]
        return math.sqrt(max(square, 0.0) / base) if base else 0.0

    def blended_size(self, block: str | None = None) -> float | None:
        """Return |D| / |W0| of the mix as its method blends it; None for the sum, whose size `together` tells."""
        if self.blended is None:
            return None
        square = math.fsum(self.blended.values()) if block is None else self.blended.get(block, 0.0)
        base = math.fsum(self.weights.values()) if block is None else self.weights[block]
        return math.sqrt(square / base) if base else 0.0

    def load(self, strengths: Sequence[float]) -> float:
        """Return the strength at which a single adapter would have the same load."""
        places = range(len(self.names))
        square = math.fsum(strengths[i] * strengths[j] * self.cosine(i, j) for i in places for j in places)
        return math.sqrt(max(square, 0.0))

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield every pair of adapters once."""
        return combinations(range(len(self.names)), 2)

    def warnings(self, strengths: Sequence[float]) -> tuple[str, ...]:
        """Return the warnings about a mix, one sentence each."""
        return (*self._idle(), *self._too_strong(strengths), *self._alike())

    def table(self) -> str:
        """Return sizes and cosines as text: one line an adapter."""
        width = max(map(len, self.names))
        places = range(len(self.names))
        rows = [
            f"{name:{width}}  {self.size(i):8.2%}  {' '.join(f'{self.cosine(i, j):+.2f}' for j in places)}"
            for i, name in enumerate(self.names)
        ]
        return "\n".join((f"{'':{width}}  {'of W0':>8}  cosine with each, in this order", *rows))

    def sum_sentence(self, strengths: Sequence[float]) -> str:
        """Return what a mix comes to, as the table's last line: its size and its load, and its size by its own method."""
        at = ", ".join(f"{s:g}" for s in strengths)
        said = f"sum at {at}: {self.together(strengths):.2%} of W0, load {self.load(strengths):.2f}"
        size = self.blended_size()
        return said if size is None else f"{said}; {self.method}: {size:.2%} of W0"

    def to_json(self, strengths: Sequence[float]) -> dict[str, Any]:
        """Return sizes, overlaps and the given mix as plain values for JSON."""
        places = range(len(self.names))
        return {
            "names": list(self.names),
            "strengths": list(strengths),
            "together": self.together(strengths),
            "load": self.load(strengths),
            "method": str(self.method),
            "blended": self.blended_size(),
            "size": [self.size(i) for i in places],
            "size_by_block": {block: [self.size(i, block) for i in places] for block in self.blocks},
            "cosine": [[self.cosine(i, j) for j in places] for i in places],
            "cosine_by_block": {
                block: [[self.cosine(i, j, block) for j in places] for i in places] for block in self.blocks
            },
        }

    def _in(self, block: str | None) -> Iterable[str]:
        return self.grams if block is None else (block,)

    def _idle(self) -> Iterator[str]:
        for index, name in enumerate(self.names):
            if not self.gram(index, index):
                yield f"{name} changes no weight of this model: its slider will do nothing"

    def _too_strong(self, strengths: Sequence[float]) -> Iterator[str]:
        load = self.load(strengths)
        if load > TOO_STRONG:
            yield (
                f"this mix is as much as one LoRA at strength {load:.2f}, and above {TOO_STRONG:g} pictures may break: "
                f"multiply its strengths by {math.floor(100 * TOO_STRONG / load) / 100:g}"
            )

    def _alike(self) -> Iterator[str]:
        for left, right in self.pairs():
            cosine = self.cosine(left, right)
            if abs(cosine) > ALIKE:
                does = "do much the same" if cosine > 0 else "work against each other"
                yield f"{self.names[left]} and {self.names[right]} {does} (cosine {cosine:.2f})"


@torch.no_grad()
def measure(model: Model, adapters: Sequence[MappedAdapter], mix: Stack | None = None) -> Overlap:
    """Return the sizes and overlaps of adapters on a model's pristine weights.

    Args:
        model: The model, with no mix on it.
        adapters: Each once.
        mix: They at some strengths, if their method is not the sum.
    """
    terms = {} if mix is None else mix.terms(parts=model.parts, progress=0.0)
    blended: dict[str, float] = defaultdict(float)
    squares: dict[str, float] = defaultdict(float)
    grams: dict[str, list[Gram]] = defaultdict(list)
    inner_products = grams_of(model, adapters)
    for name, spec in model.index.modules.items():
        base = parameters_of(model.module(name))
        block = place_of(spec)
        squares[block] += float(torch.linalg.vector_norm(base.weight, dtype=torch.float32)) ** 2
        if name in inner_products:
            grams[block].append(inner_products[name])
        if mix is not None and name in terms:
            exact = Weights(base.weight.float(), None if base.bias is None else base.bias.float())
            change = change_of_mix(mix.method, name, exact, terms[name]).weight
            blended[block] += 0.0 if change is None else float(torch.linalg.vector_norm(change)) ** 2
    order = [*model.index.parts(), *blocks_of(model.family)]
    summed = {block: _summed(grams[block]) for block in order if block in grams}
    return Overlap(
        names=tuple(adapter.name for adapter in adapters),
        grams=summed,
        weights=dict(squares),
        method=SUM if mix is None else mix.method,
        blended=None if mix is None else dict(blended),
    )


@torch.no_grad()
def grams_of(model: Model, adapters: Sequence[MappedAdapter]) -> dict[ModuleName, Gram]:
    """Return G of every module that one of the adapters changes, on the model's pristine weights."""
    touched = (name for name in model.index.modules if any(name in adapter.layers for adapter in adapters))
    return {name: _gram(name, parameters_of(model.module(name)), adapters) for name in touched}


def place_of(spec: ModuleSpec) -> str:
    """Return the block a module is counted in: a text encoder as a whole, the denoiser by its blocks."""
    return spec.block if spec.name.part == DENOISER else spec.name.part


def _gram(name: ModuleName, base: Weights, adapters: Sequence[MappedAdapter]) -> Gram:
    changes = [change_of(adapter.layers[name], base) if name in adapter.layers else None for adapter in adapters]
    half = [[_inner(left, right) for right in changes[: row + 1]] for row, left in enumerate(changes)]
    places = range(len(changes))
    return tuple(tuple(half[max(i, j)][min(i, j)] for j in places) for i in places)


def _inner(left: Change | None, right: Change | None) -> float:
    return 0.0 if left is None or right is None else inner(left, right)


def _summed(grams: Sequence[Gram]) -> Gram:
    places = range(len(grams[0]))
    return tuple(tuple(math.fsum(gram[i][j] for gram in grams) for j in places) for i in places)
