"""The merge engine: weights rewritten from pristine, one float32 sum and one rounding.

W = round(W0 + sum_i s_i D_i), summed in the order of the adapters' file digests. Low-rank changes of all adapters
are one matrix product over their concatenated ranks. Nothing is ever subtracted: taking a mix off puts the
pristine tensors back in their place, which costs nothing and is exact by construction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from lora_mixer.adapters import Weights
from lora_mixer.apply.operators import install, parameters_of
from lora_mixer.apply.stack import Stack, Term
from lora_mixer.models import Model
from lora_mixer.modules import ModuleName


class _Merged(NamedTuple):
    """A module's merged parameters and the terms they were made of."""

    key: tuple[tuple[str, float], ...]
    weights: Weights


class MergeEngine:
    """Applies one stack at a time to a model by swapping merged weights in.

    Merged weights are kept after they are taken off, so that putting the same mix on again costs nothing and a
    moved slider recomputes only the modules its adapter touches. Memory: the patched modules once more.
    """

    name = "merged"

    def __init__(self, model: Model) -> None:
        self._model = model
        self._merged: dict[ModuleName, _Merged] = {}

    @contextmanager
    def applied(self, stacks: Sequence[Stack], *, parts: Iterable[str], progress: float = 0.0) -> Iterator[None]:
        """Put a mix on for the duration of a `with` block; the pristine weights come back on every way out.

        Args:
            stacks: The mix of each row of the batch; they must all be equal.
            parts: The parts of the model to change.
            progress: How far sampling has come, 0..1 (for strength curves).
        """
        stack = stacks[0]
        wanted = frozenset(parts)
        if any(other != stack for other in stacks):
            raise ValueError("merged weights serve one mix at a time")
        if stack.masked and "unet" in wanted:
            raise ValueError("merged weights act everywhere in the picture")
        pristine: list[tuple[nn.Module, Weights]] = []
        try:
            for name, terms in stack.terms(parts=wanted, progress=progress).items():
                module = self._model.module(name)
                base = parameters_of(module)
                merged = self._merge(name, base, terms)
                pristine.append((module, base))
                install(module, merged)
            yield
        finally:
            for module, base in pristine:
                install(module, base)

    def _merge(self, name: ModuleName, base: Weights, terms: Sequence[Term]) -> Weights:
        key = tuple((term.digest, term.strength) for term in terms)
        kept = self._merged.get(name)
        if kept is None or kept.key != key:
            kept = _Merged(key, merge(base, terms))
            self._merged[name] = kept
        return kept.weights

    def forget(self) -> None:
        """Drop the kept merged weights."""
        self._merged.clear()


@torch.no_grad()
def merge(base: Weights, terms: Sequence[Term]) -> Weights:
    """Return W0 + sum_i s_i D_i for one module, in the dtype of W0.

    Args:
        base: The module's pristine weight (out, in[, kh, kw]) and bias (out,) or None, of any float dtype.
        terms: What acts on it, in canonical order.
    """
    pristine = Weights(base.weight.float(), None if base.bias is None else base.bias.float())
    weight = pristine.weight.clone()
    bias = None if pristine.bias is None else pristine.bias.clone()
    ups: list[Tensor] = []
    downs: list[Tensor] = []
    for term in terms:
        factors = term.layer.factors()
        if factors is not None:
            ups.append(factors.up.to(weight.device) * term.strength)
            downs.append(factors.down.to(weight.device).flatten(1))
            shift = term.layer.bias_change()
        else:
            change, shift = term.layer.delta(pristine)
            if change is not None:
                weight.add_(change, alpha=term.strength)
        if shift is not None and bias is not None:
            bias.add_(shift.to(bias.device), alpha=term.strength)
    if ups:
        weight.view(weight.shape[0], -1).addmm_(torch.cat(ups, dim=1), torch.cat(downs, dim=0))
    return Weights(
        weight.to(base.weight.dtype), None if bias is None or base.bias is None else bias.to(base.bias.dtype)
    )
