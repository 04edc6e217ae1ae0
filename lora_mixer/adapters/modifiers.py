"""Slots that change what a group's product means: which kinds may carry them, and how large the factor is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from lora_mixer.adapters.shapes import broken, columns, require_equal, shape_of, spell
from lora_mixer.forms import SCALES, SPARSE

if TYPE_CHECKING:
    from torch import Tensor

    from lora_mixer.adapters.slots import Slots
    from lora_mixer.modules import Shape

WHOLE_NUMBERS = SCALES | {"bias_indices", "bias_size", "on_input", "scaled_oft", "terms", "coft"}
"""The slots that may hold integers (LyCORIS writes OFT's alpha as int64); all others must be floating point."""


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
    they are built, also from a file (sd-scripts `LoRAModule.__init__`, LyCORIS `LoConModule.__init__`). A group
    without a rank has no use for alpha, and trainers write there what they like: of a LoKr with two whole factors the
    dimension that was asked for, which is how one asks for whole factors: 100000, 9999999999, in half precision
    infinity. It is not read. LyCORIS saves rank-stabilised factors with an alpha that makes alpha / rank right as it
    stands.
    """
    scale = number(slots, "scale")
    if scale is None:
        alpha = number(slots, "alpha") if rank else None
        scale = alpha / rank if alpha and rank else 1.0
    scalar = number(slots, "scalar")
    return scale if scalar is None else scale * scalar


def check_sparse(slots: Slots, weight_shape: Shape) -> None:
    """Refuse a sparse addend that is incomplete or points outside the weight."""
    present = SPARSE & slots.keys()
    if not present:
        return
    if present != SPARSE:
        raise broken(f"a sparse addend needs `bias_indices`, `bias_values` and `bias_size`, found {sorted(present)}")
    indices = shape_of(slots["bias_indices"])
    if len(indices) != 2:
        raise broken(f"`bias_indices` is {spell(indices)}, expected axes x places")
    axes, count = indices
    require_equal("`bias_values` against `bias_indices`", shape_of(slots["bias_values"]), (count,))
    require_equal("`bias_size` against `bias_indices`", shape_of(slots["bias_size"]), (axes,))
    size = tuple(int(n) for n in slots["bias_size"].tolist())
    if size not in ((weight_shape[0], columns(weight_shape)), weight_shape):
        raise broken(f"`bias_size` is {spell(size)}, the layer is {spell(weight_shape)}")
    places = slots["bias_indices"].to(torch.int64)
    if bool((places < 0).any()) or bool((places >= torch.tensor(size)[:, None]).any()):
        raise broken("`bias_indices` points outside the layer's weight")


def sparse(slots: Slots, weight: Tensor) -> Tensor | None:
    """Return LyCORIS's sparse addend in the weight's shape, or None if the group has none.

    Source: LyCORIS `utils.extract_diff` with `use_bias`: coordinates (axes, n), values (n,) and the dense size of
    what the low-rank product leaves over. It is added to the product before alpha / rank.
    """
    if "bias_values" not in slots:
        return None
    size = [int(n) for n in slots["bias_size"].tolist()]
    dense = torch.zeros(size, dtype=weight.dtype, device=weight.device)
    places = tuple(slots["bias_indices"].to(torch.int64))
    return dense.index_put(places, slots["bias_values"].to(dense), accumulate=True).reshape(weight.shape)
