"""GLoRA: a low-rank change beside W0 and one through it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.shapes import (
    broken,
    columns,
    flat,
    require_axes,
    require_matrix,
    require_rank,
    shape_of,
    spell,
)
from lora_mixer.adapters.side import Dense, LowRank
from lora_mixer.adapters.slots import Slots
from lora_mixer.forms import form_named
from lora_mixer.modules import Shape


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which slot is which letter: A = `left_a` `right_a` (in, in), B = `left_b` `right_b` (out, in[, kh, kw])."""

    left_a: str
    right_a: str
    left_b: str
    right_b: str


_NEW = _Layout("a1", "a2", "b1", "b2")
_OLD = _Layout("a2", "a1", "b2", "b1")


def _fits(slots: Slots, layout: _Layout, weight_shape: Shape) -> bool:
    (inputs, rank), (rank_a, inputs_a) = slots[layout.left_a].shape[:2], slots[layout.right_a].shape[:2]
    (out, rank_b), right_b = slots[layout.left_b].shape[:2], shape_of(slots[layout.right_b])
    return (
        (inputs, inputs_a, out) == (weight_shape[1], weight_shape[1], weight_shape[0])
        and rank == rank_a == rank_b == right_b[0]
        and columns(right_b) == columns(weight_shape)
    )


def _layout(slots: Slots, weight_shape: Shape) -> _Layout | None:
    """Return the layout the shapes agree with; where both do (all four square), the one LyCORIS writes today."""
    return next((layout for layout in (_NEW, _OLD) if _fits(slots, layout, weight_shape)), None)


def _check(slots: Slots, weight_shape: Shape) -> None:
    names = ("a1", "a2", "b1", "b2")
    for name in names:
        require_axes(slots, name, 2, 4)
    layout = _layout(slots, weight_shape)
    if layout is None:
        shapes = ", ".join(f"`{name}` {spell(shape_of(slots[name]))}" for name in names)
        raise broken(f"{shapes} fit the layer's {spell(weight_shape)} in neither GLoRA layout")
    for name in (layout.left_a, layout.right_a, layout.left_b):
        require_matrix(slots, name)
    require_rank(slots[layout.right_a].shape[0], weight_shape)


def _rank(slots: Slots) -> int:
    """Return r; the layer is not needed: r is the length all four have in common."""
    first, second, outer, inner = (slots[name].shape[:2] for name in ("a1", "a2", "b1", "b2"))
    return first[1] if first[1] == second[0] == outer[1] == inner[0] else first[0]


def _letters(slots: Slots, weight: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    layout = _layout(slots, shape_of(weight)) or _NEW
    return (
        flat(slots[layout.left_a]),
        flat(slots[layout.right_a]),
        flat(slots[layout.left_b]),
        flat(slots[layout.right_b]),
    )


def _change(slots: Slots, weight: Tensor) -> Tensor:
    left_a, right_a, left_b, right_b = _letters(slots, weight)
    through = torch.einsum("oi...,ij,jm->om...", weight, left_a, right_a)
    return through + (left_b @ right_b).reshape(weight.shape)


def _side(slots: Slots, weight: Tensor, scale: float) -> tuple[LowRank | Dense]:
    """Return rank 2r factors that hold W0 A already; through a larger kernel W0 A is no product of two, so D itself."""
    if weight.ndim == 4 and weight.shape[2:].numel() > 1:
        return (Dense(weight=_change(slots, weight) * scale),)
    left_a, right_a, left_b, right_b = _letters(slots, weight)
    up = torch.cat([flat(weight) @ left_a, left_b], dim=1) * scale
    return (LowRank(down=torch.cat([right_a, right_b]).reshape(-1, *weight.shape[1:]), up=up),)


GLORA = Kind(
    form=form_named("glora"),
    linear=False,
    rank=_rank,
    check=_check,
    change=_change,
    side=_side,
)
"""f(W0) = W0 + a/r (W0 A + B), A (in, in) and B (out, in[, kh, kw]) of rank r.

Source: arXiv 2306.07967, of whose supports LyCORIS trains A and B. Today A = `a1` `a2` with `a1` (in, r) and `a2`
(r, in), B = `b1` `b2` with `b1` (out, r) and `b2` (r, in[, kh, kw]). Before May 2024 the numbers stood the other way
round: A = `a2` `a1`, B = `b2` `b1`. The shapes tell.
"""
