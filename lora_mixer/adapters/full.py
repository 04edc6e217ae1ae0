"""Whole tensors in place of products: a difference, a bias, a replacement, a normalisation's two vectors."""

from __future__ import annotations

from torch import Tensor

from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.shapes import broken, require_equal, shape_of, spell
from lora_mixer.adapters.slots import Slots
from lora_mixer.forms import form_named
from lora_mixer.modules import Shape


def _require_like(slots: Slots, name: str, weight_shape: Shape) -> None:
    """Refuse a tensor that is not the weight's shape, apart from axes of length 1 at the end."""
    shape = shape_of(slots[name])
    longest = max(len(shape), len(weight_shape))
    if shape + (1,) * (longest - len(shape)) != weight_shape + (1,) * (longest - len(weight_shape)):
        raise broken(f"`{name}` is {spell(shape)}, the layer's weight is {spell(weight_shape)}")


def _check_full(slots: Slots, weight_shape: Shape) -> None:
    _require_like(slots, "diff", weight_shape)


def _change_full(slots: Slots, weight: Tensor) -> Tensor:
    return slots["diff"].reshape(weight.shape)


def _check_bias(_: Slots, __: Shape) -> None:
    """Accept any weight: `diff_b` is held against the bias for all kinds alike."""


def _change_bias(_: Slots, __: Tensor) -> None:
    return


def _check_set(slots: Slots, weight_shape: Shape) -> None:
    _require_like(slots, "set_weight", weight_shape)


def _change_set(slots: Slots, weight: Tensor) -> Tensor:
    return slots["set_weight"].reshape(weight.shape) - weight


def _check_norm(slots: Slots, weight_shape: Shape) -> None:
    if len(weight_shape) != 1:
        raise broken(f"`w_norm` and `b_norm` belong on a normalisation, the layer's weight is {spell(weight_shape)}")
    for name in sorted(slots):
        require_equal(f"`{name}` against the normalisation", shape_of(slots[name]), weight_shape)


def _change_norm(slots: Slots, _: Tensor) -> Tensor | None:
    return slots.get("w_norm")


FULL = Kind(
    form=form_named("full"),
    vectors=True,
    linear=True,
    check=_check_full,
    change=_change_full,
)
"""D = `diff`, in the weight's own shape. alpha says nothing: there is no rank to divide it by.

Source: LyCORIS `FullModule` ("native" training), `extract_diff` in full mode.
"""

BIAS = Kind(
    form=form_named("bias"),
    vectors=True,
    linear=True,
    check=_check_bias,
    change=_change_bias,
)
"""The layer's bias grows by `diff_b`; its weight stays. Source: LyCORIS `FullModule`, where `diff` was pruned."""

SET = Kind(
    form=form_named("set"),
    vectors=True,
    linear=False,
    check=_check_set,
    change=_change_set,
)
"""f(W0) = `set_weight`, so D = `set_weight` - W0. Source: ComfyUI's `set_weight` key."""

NORM = Kind(
    form=form_named("norm"),
    vectors=True,
    linear=True,
    check=_check_norm,
    change=_change_norm,
)
"""D = `w_norm` on the weight and `b_norm` on the bias of a LayerNorm or GroupNorm; either may be missing.

Source: LyCORIS `NormModule` (`train_norm`).
"""
