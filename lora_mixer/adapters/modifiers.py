"""Slots that change what a group's product means: which kinds may carry them, and how large the factor is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lora_mixer.adapters.shapes import broken, shape_of, spell

if TYPE_CHECKING:
    from torch import Tensor

    from lora_mixer.adapters.kind import Slots

ADDITIVE = frozenset({"alpha", "scale", "scalar", "diff_b"})
"""What may come with a kind whose change is a sum onto W0."""


def number(slots: Slots, name: str) -> float | None:
    """Return a slot that holds one finite number, or None if the group has no such slot."""
    tensor: Tensor | None = slots.get(name)
    if tensor is None:
        return None
    if tensor.numel() != 1:
        raise broken(f"`{name}` is {spell(shape_of(tensor))}, expected one number")
    value = float(tensor.reshape(()).item())
    if not math.isfinite(value):
        raise broken(f"`{name}` is {value}")
    return value


def scale_of(slots: Slots, rank: int | None) -> float:
    """Return the factor on the product: `scale`, else alpha / rank, times `scalar`.

    A missing alpha means alpha = rank. So does 0: kohya's and LyCORIS's modules read "0 or None" as the rank when
    they are built, also from a file (sd-scripts `LoRAModule.__init__`, LyCORIS `LoConModule.__init__`). A kind
    without a rank has no use for alpha. LyCORIS saves rank-stabilised factors with an alpha that makes alpha / rank
    right as it stands.
    """
    scale = number(slots, "scale")
    if scale is None:
        alpha = number(slots, "alpha")
        scale = alpha / rank if alpha and rank else 1.0
    scalar = number(slots, "scalar")
    return scale if scalar is None else scale * scalar
