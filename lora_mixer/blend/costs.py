"""The cost of an engine as a linear model: per module, per element touched, per multiply-add."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lora_mixer.adapters import Layer
from lora_mixer.blend.stack import Stack
from lora_mixer.modules import DENOISER, ModuleSpec, Sees

TEXT_TOKENS = 77


class Work(NamedTuple):
    """Counts of modules, elements and multiply-adds."""

    modules: float
    elements: float
    products: float


class Cost(NamedTuple):
    """Seconds for each module, each element read and written, each multiply-add."""

    module: float
    element: float
    product: float

    def of(self, work: Work) -> float:
        """Return how many seconds the work takes."""
        return self.module * work.modules + self.element * work.elements + self.product * work.products


class Costs(NamedTuple):
    """The costs of a machine: merging a mix once, and the side path at every step."""

    merge: Cost
    side: Cost


TYPICAL = Costs(merge=Cost(3e-5, 1e-10, 4e-12), side=Cost(4e-5, 3e-10, 5e-12))
"""One core of an AVX512-BF16 machine; its ratios hold within 1.5 times on one without."""


class Render(NamedTuple):
    """What a batch costs by, besides its mix."""

    steps: int
    rows: int  # of the denoiser's batch
    height: int  # of the latent
    width: int


def merge_work(stack: Stack) -> Work:
    """Return the work of merging a mix into the denoiser once: W0 + B A reads and writes W0, and multiplies its ranks."""
    works = [
        Work(1, math.prod(layers[0].weight_shape), math.prod(layers[0].weight_shape) * sum(map(_rank, layers)))
        for _, layers in _modules(stack)
    ]
    return _total(works)


def side_work(stack: Stack, render: Render) -> Work:
    """Return the work of the side path in one step: x A^T, then B^T, added to every output."""
    works = []
    for spec, layers in _modules(stack):
        shape = layers[0].weight_shape
        places = render.rows * _places(spec, render)
        across = shape[0] + math.prod(shape[1:])
        works.append(Work(1, places * shape[0], places * across * sum(map(_rank, layers))))
    return _total(works)


def _modules(stack: Stack) -> Iterator[tuple[ModuleSpec, list[Layer]]]:
    for name, terms in stack.terms(parts=(DENOISER,), progress=0.0).items():
        yield stack.spec(name), [term.layer for term in terms]


def _rank(layer: Layer) -> int:
    full = min(layer.weight_shape[0], math.prod(layer.weight_shape[1:]))
    return full if layer.rank is None else min(layer.rank, full)


def _places(spec: ModuleSpec, render: Render) -> int:
    """Return on how many tokens or cells a module works; every level halves both sides."""
    if spec.sees is not Sees.PICTURE:
        return TEXT_TOKENS if spec.sees is Sees.TEXT else 1
    return max(render.height >> spec.level, 1) * max(render.width >> spec.level, 1)


def _total(works: Iterable[Work]) -> Work:
    rows = list(works)
    return Work(*(sum(column) for column in zip(*rows, strict=True))) if rows else Work(0, 0, 0)
