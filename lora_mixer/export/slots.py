"""A module's change as the slots of a LoRA file, in the shapes a trainer writes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from lora_mixer.adapters import Compressed, Delta, Weights


def factor_slots(one: Compressed, shift: Tensor | None, base: Weights) -> Iterator[tuple[str, Tensor]]:
    """Yield the slots of a weight's factors, alpha equal to the rank, and of what is added to the bias."""
    ones = (1, 1) if base.weight.ndim == 4 else ()
    yield "lora_up.weight", one.up.reshape(*one.up.shape, *ones)
    yield "lora_down.weight", one.down.reshape(-1, *base.weight.shape[1:])
    yield "alpha", torch.tensor(float(one.down.shape[0]))
    if shift is not None:
        yield "diff_b", shift


def norm_slots(change: Delta, base: Weights) -> Iterator[tuple[str, Tensor]]:
    """Yield the slots of a norm's changed weight and bias."""
    yield "w_norm", (torch.zeros_like(base.weight) if change.weight is None else change.weight).cpu()
    if base.bias is not None:
        yield "b_norm", (torch.zeros_like(base.bias) if change.bias is None else change.bias).cpu()
