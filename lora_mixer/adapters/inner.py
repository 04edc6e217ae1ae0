"""How much two changes of one weight have in common: their Frobenius inner product, by factors where there are some.

For D1 = B1 A1 and D2 = B2 A2 with B (out, r) and A (r, columns):

    <D1, D2> = sum_oc D1[o,c] D2[o,c] = tr(D1^T D2) = sum_pq (B1^T B2)[p,q] (A1 A2^T)[p,q]

which takes r1 r2 (out + columns) products instead of out columns, and never makes D. For one dense D2 = D it is
sum_op (D A1^T)[o,p] B1[o,p].
"""

from __future__ import annotations

import torch
from torch import Tensor

from lora_mixer.adapters.kind import Factors, Weights
from lora_mixer.adapters.layer import Layer

Change = Factors | Tensor
"""D as a pair B (out, r), A (r, columns), or, where it has no factors, as itself, (out, columns)."""


@torch.no_grad()
def change_of(layer: Layer, base: Weights) -> Change | None:
    """Return what a layer changes of its weight at strength 1, in float32 or better, on the CPU; None for nothing.

    Args:
        layer: The layer.
        base: W0 and bias, which only kinds without factors read.
    """
    dtype = torch.promote_types(base.weight.dtype, torch.float32)
    pair = layer.factors(dtype)
    if pair is not None:
        return Factors(down=pair.down.flatten(1).cpu(), up=pair.up.flatten(1).cpu())
    bias = None if base.bias is None else base.bias.to(dtype)
    change = layer.delta(Weights(base.weight.to(dtype), bias)).weight
    return None if change is None else change.reshape(len(change), -1).cpu()


@torch.no_grad()
def inner(left: Change, right: Change) -> float:
    """Return <D1, D2> of two changes of one weight; <D, D> is the square of D's Frobenius norm."""
    if isinstance(left, Tensor):
        return _dense_with(left, right)
    if isinstance(right, Tensor):
        return _dense_with(right, left)
    return float(((left.up.T @ right.up) * (left.down @ right.down.T)).sum(dtype=torch.float64))


def _dense_with(dense: Tensor, other: Change) -> float:
    if isinstance(other, Tensor):
        return float((dense * other).sum(dtype=torch.float64))
    return float(((dense @ other.down.T) * other.up).sum(dtype=torch.float64))
