"""The merge engine: weights rewritten from pristine, one float32 sum and one rounding.

W = round(W0 + sum_i s_i D_i), summed in the order of the adapters' file digests. Low-rank changes of all adapters
are one matrix product over their concatenated ranks. Nothing is ever subtracted: removing a mix puts the
pristine tensors back, which is free and exact by construction.

On bfloat16 weights the factors are rounded to bfloat16 before they are multiplied; sums stay float32. That moves a
change D by 2^-9 of itself, while storing W0 + D rounds by 2^-9 of W0, which is far larger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lora_mixer.adapters import Weights
from lora_mixer.blend.layer_ops import install, parameters_of
from lora_mixer.blend.merged_cache import MergedCache
from lora_mixer.blend.stack import Stack, Term
from lora_mixer.models import Model, free_memory
from lora_mixer.modules import ModuleName

MEBIBYTE = 2**20
BUDGET_MB = 1024
"""The default upper bound, in MiB, of merged weights kept of earlier mixes."""
MODELS, SHARE_OF_FREE = 2, 8
"""The default is also at most this many times the model's weights, and this fraction of the free memory."""


class Joined(NamedTuple):
    """The strength-independent part of some terms: low-rank factors joined along the rank, and biases."""

    digests: tuple[str, ...]
    up: Tensor  # (out, ranks)
    down: Tensor  # (ranks, in * kernel)
    ranks: tuple[int, ...]  # ranks per adapter; 0 without factors
    shifts: tuple[Tensor | None, ...]  # bias change per adapter, (out,)


class MergeEngine:
    """Applies one stack at a time to a model by swapping merged weights in.

    Merged weights are cached after removal, so applying the same mix again is free and a moved slider recomputes only
    the modules its adapter touches. Memory: the patched modules once more, the factors
    of the adapters of the last mix, and the budget.

    What lies on a module is noted before it lies there, and until the pristine weights are back. An interruption (Ctrl+C)
    waits until they are; one that strikes where nothing can wait leaves the note, and `rest` or the next mix acts on it.

    Args:
        model: The model.
        cache_mb: How many MiB of merged weights of earlier mixes are kept, for mixes that take turns; None sizes that by
            the model and the free memory.
    """

    name = "merged"

    def __init__(self, model: Model, *, cache_mb: int | None = None) -> None:
        self._model = model
        self.budget_mb = _budget_of(model) if cache_mb is None else cache_mb
        self._kept = MergedCache(self.budget_mb * MEBIBYTE)
        self._joined: dict[ModuleName, Joined] = {}
        self._changed: list[tuple[nn.Module, Weights]] = []  # modules a mix lies on, with their pristine weights

    def rest(self) -> None:
        """Remove what an interruption left applied; normally nothing.

        Raises:
            KeyboardInterrupt: Another interruption came meanwhile; the weights are pristine all the same.
        """
        interrupted: KeyboardInterrupt | None = None
        while self._changed:
            try:
                module, base = self._changed[-1]
                install(module, base)
                self._changed.pop()
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    @contextmanager
    def applied(self, stacks: Sequence[Stack], *, parts: Iterable[str], progress: float = 0.0) -> Iterator[None]:
        """Apply a mix within a `with` block; the pristine weights are restored on every exit.

        Args:
            stacks: The mix of each row of the batch; they must all be equal.
            parts: The parts of the model to change.
            progress: How far sampling has come, 0..1 (for strength curves).
        """
        stack = stacks[0]
        wanted = frozenset(parts)
        if any(other != stack for other in stacks):
            raise ValueError("merged weights hold one mix at a time")
        if stack.masked and "unet" in wanted:
            raise ValueError("merged weights act everywhere in the picture")
        self.rest()
        try:
            for name, terms in stack.terms(parts=wanted, progress=progress).items():
                module = self._model.module(name)
                base = parameters_of(module)
                merged = self._merge(name, base, terms)
                self._changed.append((module, base))
                install(module, merged)
            yield
        finally:
            self.rest()

    def _merge(self, name: ModuleName, base: Weights, terms: Sequence[Term]) -> Weights:
        key = tuple((term.digest, term.strength) for term in terms)
        return self._kept.take(name, key, lambda spare: self._make(name, base, terms, spare))

    def _make(self, name: ModuleName, base: Weights, terms: Sequence[Term], spare: Weights | None) -> Weights:
        joined = self._joined.get(name)
        digests = tuple(term.digest for term in terms)
        if joined is None or joined.digests != digests:
            joined = join(base, terms)
        merged = merge(base, terms, joined=joined, spare=spare)
        self._joined[name] = joined
        return merged


def budget_mb(*, model: int, free: int | None) -> int:
    """Return the default cache size in MiB for a model of `model` bytes with `free` bytes available (None: unknown)."""
    within = MODELS * model if free is None else min(MODELS * model, free // SHARE_OF_FREE)
    return min(BUDGET_MB, within // MEBIBYTE)


def _budget_of(model: Model) -> int:
    weights = sum(parameter.nbytes for part in model.parts.values() for parameter in part.parameters())
    return budget_mb(model=weights, free=free_memory(model.device))


@torch.no_grad()
def join(base: Weights, terms: Sequence[Term]) -> Joined:
    """Join the terms' factors, on the weight's device and in the dtype they are multiplied in."""
    dtype = torch.bfloat16 if base.weight.dtype is torch.bfloat16 else torch.float32
    device = base.weight.device
    factors = [term.layer.rounded_factors(dtype, device) for term in terms]
    found = [pair for pair in factors if pair is not None]
    empty = torch.empty(0)
    return Joined(
        tuple(term.digest for term in terms),
        torch.cat([pair.up for pair in found], dim=1) if found else empty,
        torch.cat([pair.down.flatten(1) for pair in found]) if found else empty,
        tuple(0 if pair is None else pair.up.shape[1] for pair in factors),
        tuple(term.layer.bias_change() for term in terms),
    )


@torch.no_grad()
def merge(base: Weights, terms: Sequence[Term], *, joined: Joined, spare: Weights | None = None) -> Weights:
    """Return W0 + sum_i s_i D_i for one module, in the dtype of W0.

    Args:
        base: The module's pristine weight (out, in[, kh, kw]) and bias (out,) or None, of any float dtype.
        terms: What acts on it, in canonical order.
        joined: What the terms are made of.
        spare: Weights of the same shapes that may be overwritten.
    """
    others = [term for term, rank in zip(terms, joined.ranks, strict=True) if rank == 0]
    weight = _with_changes(base, others) if others else base.weight
    if any(joined.ranks):
        strengths = _by_rank(tuple(term.strength for term in terms), joined.ranks, joined.up.dtype, joined.up.device)
        weight = _product_added(weight, joined.up * strengths, joined.down, spare)
    return Weights(_like(base.weight, weight), _shifted(base, terms, joined.shifts))


@lru_cache(maxsize=64)
def _by_rank(strengths: tuple[float, ...], ranks: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Repeat each adapter's strength once per rank; cached, as most modules of a mix share it."""
    repeated = [strength for strength, rank in zip(strengths, ranks, strict=True) for _ in range(rank)]
    return torch.tensor(repeated).to(device, dtype)


def _with_changes(base: Weights, terms: Sequence[Term]) -> Tensor:
    """Return W0 + sum_i s_i D_i in float32 for terms without low-rank factors."""
    pristine = Weights(base.weight.float(), None if base.bias is None else base.bias.float())
    total = pristine.weight.clone()
    for term in terms:
        change = term.layer.delta(pristine).weight
        if change is not None:
            total.add_(change, alpha=term.strength)
    return total


def _product_added(total: Tensor, up: Tensor, down: Tensor, spare: Weights | None) -> Tensor:
    """Return total + up @ down, rounded once: products of bfloat16 accumulate in float32, `total` included."""
    dtype = torch.promote_types(total.dtype, up.dtype)
    usable = spare is not None and spare.weight.is_contiguous() and spare.weight.dtype == dtype
    out = spare.weight.flatten(1) if spare is not None and usable else None
    return torch.addmm(total.flatten(1).to(dtype), up.to(dtype), down.to(dtype), out=out).view(total.shape)


def _like(pristine: Tensor, weight: Tensor) -> Tensor:
    """Return a weight in the dtype and memory layout of the pristine one, never the pristine one itself."""
    if weight is not pristine and weight.dtype == pristine.dtype and weight.stride() == pristine.stride():
        return weight
    return torch.empty_like(pristine).copy_(weight)


def _shifted(base: Weights, terms: Sequence[Term], shifts: Sequence[Tensor | None]) -> Tensor | None:
    """Return the changed bias; for a module without one, what PEFT's biased factors add, if any."""
    if all(shift is None for shift in shifts):
        return base.bias
    total = (
        base.weight.new_zeros(len(base.weight), dtype=torch.float32) if base.bias is None else base.bias.float().clone()
    )
    for term, shift in zip(terms, shifts, strict=True):
        if shift is not None:
            total.add_(shift.to(total.device), alpha=term.strength)
    return total.to(base.weight.dtype if base.bias is None else base.bias.dtype)
