"""Merged weights as a module can hold them: in the dtype and memory layout of the pristine ones."""

from __future__ import annotations

import torch
from torch import Tensor

from lora_mixer.adapters import Delta, Weights


def rounded_like(pristine: Tensor, weight: Tensor) -> Tensor:
    """Return a weight in the dtype and memory layout of the pristine one, never the pristine one itself."""
    if weight is not pristine and weight.dtype == pristine.dtype and weight.stride() == pristine.stride():
        return weight
    return torch.empty_like(pristine).copy_(weight)


@torch.no_grad()
def with_change(base: Weights, exact: Weights, change: Delta, spare: Weights | None) -> Weights:
    """Return round(W0 + D) and the bias with its change.

    Args:
        base: W0 and the bias as the module has them.
        exact: The same in float32.
        change: D and the bias's change, in float32; None leaves one as it is.
        spare: Weights of the same shapes that may be written over.
    """
    weight = base.weight
    if change.weight is not None:
        out = torch.empty_like(base.weight) if spare is None else spare.weight
        weight = out.copy_(exact.weight + change.weight)
    elif spare is not None:
        weight = spare.weight.copy_(base.weight)
    if change.bias is None:
        return Weights(rounded_like(base.weight, weight), base.bias)
    bias = change.bias if exact.bias is None else exact.bias + change.bias
    return Weights(
        rounded_like(base.weight, weight), bias.to(base.weight.dtype if base.bias is None else base.bias.dtype)
    )
