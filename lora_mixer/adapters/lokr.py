"""LoKr: the Kronecker product of a small matrix and a larger one, each whole or factored."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from lora_mixer.adapters.fresh import divisor, uniform
from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.shapes import (
    broken,
    columns,
    flat,
    require_axes,
    require_equal,
    require_matrix,
    require_rank,
    spell,
)
from lora_mixer.adapters.side import Kronecker
from lora_mixer.adapters.slots import Slots
from lora_mixer.forms import form_named
from lora_mixer.modules import Shape


def _rank(slots: Slots) -> int | None:
    """Return the rank of a factored half; two whole ones have none, and LyCORIS ignores alpha then."""
    factored = slots.get("k2_b", slots.get("k1_b"))
    return None if factored is None else factored.shape[0]


def _check(slots: Slots, weight_shape: Shape) -> None:
    if "k1" in slots:
        rows, cols = require_matrix(slots, "k1")
    else:
        rows, rank = require_matrix(slots, "k1_a")
        other, cols = require_matrix(slots, "k1_b")
        require_equal("rank of `k1_a` against rank of `k1_b`", rank, other)
        require_rank(rank, weight_shape)
    if weight_shape[0] % rows or weight_shape[1] % cols:
        raise broken(f"the outer factor {rows}x{cols} does not divide the layer's {spell(weight_shape)}")
    _check_inner(slots, (weight_shape[0] // rows, weight_shape[1] // cols, *weight_shape[2:]))


def _check_inner(slots: Slots, inner: Shape) -> None:
    if "k2" in slots:
        shape = require_axes(slots, "k2", 2, 4)
        require_equal("rows and columns of `k2`", (shape[0], columns(shape)), (inner[0], columns(inner)))
        return
    if "kt2" in slots:
        _check_core(slots, inner)
        return
    rows, rank = require_matrix(slots, "k2_a")
    down = require_axes(slots, "k2_b", 2, 4)
    require_equal("rank of `k2_a` against rank of `k2_b`", rank, down[0])
    require_equal("rows and columns of the inner factor", (rows, columns(down)), (inner[0], columns(inner)))
    require_rank(rank, inner)


def _check_core(slots: Slots, inner: Shape) -> None:
    if len(inner) != 4:
        raise broken(f"`kt2` needs a convolution, the inner factor is {spell(inner)}")
    rank, rows = require_matrix(slots, "k2_a")
    other, cols = require_matrix(slots, "k2_b")
    require_equal("rank of `k2_a` against rank of `k2_b`", rank, other)
    require_equal("rows and columns of the inner factor", (rows, cols), inner[:2])
    require_equal("`kt2` against rank and kernel", require_axes(slots, "kt2", 4), (rank, rank, *inner[2:]))
    require_rank(rank, inner)


def _outer(slots: Slots) -> Tensor:
    return flat(slots["k1"]) if "k1" in slots else flat(slots["k1_a"]) @ flat(slots["k1_b"])


def _inner(slots: Slots) -> Tensor:
    """Return M as a matrix (b, d * kh * kw)."""
    if "k2" in slots:
        return flat(slots["k2"])
    if "kt2" in slots:
        return flat(torch.einsum("pqkl,pb,qd->bdkl", slots["kt2"], flat(slots["k2_a"]), flat(slots["k2_b"])))
    return flat(slots["k2_a"]) @ flat(slots["k2_b"])


def _change(slots: Slots, weight: Tensor) -> Tensor:
    return torch.kron(_outer(slots), _inner(slots)).reshape(weight.shape)


def _side(slots: Slots, weight: Tensor, scale: float) -> tuple[Kronecker]:
    outer, inner = _outer(slots) * scale, _inner(slots)
    return (Kronecker(outer=outer, inner=inner.reshape(len(inner), -1, *weight.shape[2:])),)


def _init(shape: Shape, rank: int, factor: int, generator: Generator | None) -> dict[str, Tensor]:
    """M = 0; C uniform. M is whole where two factors of this rank would be as large (LyCORIS `modules/lokr.py`)."""
    rows, cols = divisor(shape[0], factor), divisor(shape[1], factor)
    out, inner = shape[0] // rows, shape[1] // cols
    outer = {"k1": uniform((rows, cols), generator)}
    if rank * 2 >= max(out, inner):
        return {**outer, "k2": torch.zeros(out, inner, *shape[2:])}
    return {
        **outer,
        "k2_a": torch.zeros(out, rank),
        "k2_b": uniform((rank, inner * math.prod(shape[2:])), generator),
    }


LOKR = Kind(
    form=form_named("lokr"),
    linear=True,
    rank=_rank,
    check=_check,
    change=_change,
    side=_side,
    init=_init,
)
"""D = a/r C kron M, with C = `k1` or `k1_a` `k1_b` (a, c) and M = `k2` or `k2_a` `k2_b` (b, d[, kh, kw]).

out = a b, in = c d. r is the rank of M's factors, else of C's; two whole factors have scale 1 whatever alpha says.
Source: LyCORIS, arXiv 2309.14859; KronA, arXiv 2212.10650.
With a Tucker core `kt2` (r, r, kh, kw), `k2_a` (r, b) and `k2_b` (r, d): M[b,d,k,l] = sum_pq T[p,q,k,l] a[p,b] b[q,d].
LyCORIS's forward multiplies a/r once; its `get_diff_weight` (merge) twice, which is a mistake there.
"""
