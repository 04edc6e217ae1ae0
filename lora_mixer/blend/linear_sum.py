"""The linear sum: every adapter's change times its strength (LoRA, arXiv:2106.09685, section 4.1).

    W = round(W0 + sum_i s_i D_i)

one float32 sum in the order of the adapters' file digests and one rounding. Low-rank changes of all adapters are one matrix
product over their concatenated ranks; beside the weights they are one branch (`lora_mixer.blend.branch`).

On bfloat16 weights the factors are rounded to bfloat16 before they are multiplied; sums stay float32. That moves a
change D by 2^-9 of itself, while storing W0 + D rounds by 2^-9 of W0, which is far larger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from lora_mixer.adapters import Delta, Weights
from lora_mixer.blend.rounding import rounded_like
from lora_mixer.blend.stack import Term
from lora_mixer.modules import ModuleName


class Joined(NamedTuple):
    """The strength-independent part of some terms: low-rank factors joined along the rank, and biases."""

    digests: tuple[str, ...]
    up: Tensor  # (out, ranks)
    down: Tensor  # (ranks, in * kernel)
    ranks: tuple[int, ...]  # ranks per adapter; 0 without factors
    shifts: tuple[Tensor | None, ...]  # bias change per adapter, (out,)


@torch.no_grad()
def change(_name: ModuleName, base: Weights, terms: Sequence[Term], _numbers: Mapping[str, float]) -> Delta:
    """Return sum_i s_i D_i and the same of the biases, in the dtype of `base`."""
    weight: Tensor | None = None
    bias: Tensor | None = None
    for term in terms:
        delta = term.layer.delta(base)
        if delta.weight is not None:
            weight = torch.zeros_like(delta.weight) if weight is None else weight
            weight.add_(delta.weight, alpha=term.strength)
        if delta.bias is not None:
            bias = torch.zeros_like(delta.bias) if bias is None else bias
            bias.add_(delta.bias, alpha=term.strength)
    return Delta(weight, bias)


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
    return Weights(rounded_like(base.weight, weight), _shifted(base, terms, joined.shifts))


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
