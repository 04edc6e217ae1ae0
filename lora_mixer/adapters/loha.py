"""LoHa: the entrywise product of two low-rank products."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from lora_mixer.adapters.fresh import normal
from lora_mixer.adapters.kind import Factors, Kind
from lora_mixer.adapters.shapes import (
    broken,
    columns,
    flat,
    require_axes,
    require_equal,
    require_kernel,
    require_matrix,
    require_rank,
    spell,
)
from lora_mixer.adapters.slots import Slots
from lora_mixer.forms import form_named
from lora_mixer.modules import Shape


def _rank(slots: Slots) -> int:
    return slots["w1_b"].shape[0]


def _check(slots: Slots, weight_shape: Shape) -> None:
    for half in ("1", "2"):
        if "t1" in slots:
            _check_core(slots, half, weight_shape)
        else:
            _check_plain(slots, half, weight_shape)
    require_equal("rank of the second half against the first's", slots["w2_b"].shape[0], slots["w1_b"].shape[0])
    require_rank(slots["w1_b"].shape[0], weight_shape)


def _check_plain(slots: Slots, half: str, weight_shape: Shape) -> None:
    out, rank = require_matrix(slots, f"w{half}_a")
    down = require_axes(slots, f"w{half}_b", 2, 4)
    require_equal(f"outputs of `w{half}_a` against the layer's", out, weight_shape[0])
    require_equal(f"rank of `w{half}_a` against rank of `w{half}_b`", rank, down[0])
    require_kernel(f"w{half}_b", down, weight_shape)


def _check_core(slots: Slots, half: str, weight_shape: Shape) -> None:
    if len(weight_shape) != 4:
        raise broken(f"`t{half}` needs a convolution, the layer is {spell(weight_shape)}")
    rank, out = require_matrix(slots, f"w{half}_a")
    rows, inputs = require_matrix(slots, f"w{half}_b")
    require_equal(f"outputs of `w{half}_a` against the layer's", out, weight_shape[0])
    require_equal(f"inputs of `w{half}_b` against the layer's", inputs, weight_shape[1])
    require_equal(f"rank of `w{half}_a` against rank of `w{half}_b`", rank, rows)
    core = require_axes(slots, f"t{half}", 4)
    require_equal(f"`t{half}` against rank and kernel", core, (rank, rank, *weight_shape[2:]))


def _halves(slots: Slots) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return B1 (out, r), A1 (r, in * kh * kw), B2 and A2; a core is folded into A."""
    if "t1" not in slots:
        return flat(slots["w1_a"]), flat(slots["w1_b"]), flat(slots["w2_a"]), flat(slots["w2_b"])
    first = torch.einsum("pqkl,qi->pikl", slots["t1"], flat(slots["w1_b"]))
    second = torch.einsum("pqkl,qi->pikl", slots["t2"], flat(slots["w2_b"]))
    return flat(slots["w1_a"]).T, flat(first), flat(slots["w2_a"]).T, flat(second)


def _change(slots: Slots, weight: Tensor) -> Tensor:
    up_1, down_1, up_2, down_2 = _halves(slots)
    return ((up_1 @ down_1) * (up_2 @ down_2)).reshape(weight.shape)


def _factors(slots: Slots, weight_shape: Shape) -> Factors | None:
    """Return the row-wise and column-wise Khatri-Rao products, of rank r^2, where that is smaller than D.

    (B1 A1) o (B2 A2) = (B1 . B2)(A1 * A2), with (B1 . B2)[o, pq] = B1[o,p] B2[o,q], (A1 * A2)[pq, c] = A1[p,c] A2[q,c].
    """
    rank = _rank(slots)
    if rank**2 * (weight_shape[0] + columns(weight_shape)) >= weight_shape[0] * columns(weight_shape):
        return None
    up_1, down_1, up_2, down_2 = _halves(slots)
    up = (up_1[:, :, None] * up_2[:, None, :]).flatten(1)
    down = (down_1[:, None, :] * down_2[None, :, :]).flatten(0, 1)
    return Factors(down=down.reshape(-1, *weight_shape[1:]), up=up)


def _init(shape: Shape, rank: int, _factor: int, generator: Generator | None) -> dict[str, Tensor]:
    """B2 = 0; B1 of deviation 0.1, both A of 1 (LyCORIS `modules/loha.py`)."""
    inner = columns(shape)
    return {
        "w1_a": normal((shape[0], rank), 0.1, generator),
        "w1_b": normal((rank, inner), 1.0, generator),
        "w2_a": torch.zeros(shape[0], rank),
        "w2_b": normal((rank, inner), 1.0, generator),
    }


LOHA = Kind(
    form=form_named("loha"),
    linear=True,
    rank=_rank,
    check=_check,
    change=_change,
    factors=_factors,
    init=_init,
)
"""D = a/r (B1 A1) o (B2 A2), o entrywise, with B = `w*_a` (out, r) and A = `w*_b` (r, in * kh * kw).

Source: FedPara, arXiv 2108.06098, proposition 1; LyCORIS, arXiv 2309.14859.
With cores T = `t*` (r, r, kh, kw) (FedPara, proposition 3) the halves are stored the other way round, `w*_a` (r, out)
and `w*_b` (r, in): half[o,i,k,l] = sum_pq T[p,q,k,l] w_a[p,o] w_b[q,i].
LyCORIS's forward multiplies a/r once; its `get_diff_weight` (merge, extract) twice, which is a mistake there.
"""
