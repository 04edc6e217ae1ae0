"""LoRA and LoCon: D = B A, with an optional Tucker core between the two."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from lora_mixer.adapters.fresh import uniform
from lora_mixer.adapters.kind import Factors, Kind
from lora_mixer.adapters.shapes import (
    flat,
    require_axes,
    require_equal,
    require_kernel,
    require_matrix,
    require_rank,
)
from lora_mixer.adapters.slots import Slots
from lora_mixer.forms import form_named
from lora_mixer.modules import Shape


def _rank(slots: Slots) -> int:
    return slots["down"].shape[0]


def _check(slots: Slots, weight_shape: Shape) -> None:
    out, rank = require_matrix(slots, "up")
    require_equal("outputs of `up` against the layer's", out, weight_shape[0])
    down = require_axes(slots, "down", 2, 4)
    require_equal("rank of `up` against rank of `down`", rank, down[0])
    require_rank(rank, weight_shape)
    if "mid" not in slots:
        require_kernel("down", down, weight_shape)
        return
    _, inputs = require_matrix(slots, "down")
    mid = require_axes(slots, "mid", 4)
    require_equal("inputs of `down` against the layer's", inputs, weight_shape[1])
    require_equal("`mid` against rank and kernel", mid, (rank, rank, *weight_shape[2:], 1, 1)[:4])


def _factors(slots: Slots, weight_shape: Shape) -> Factors:
    """Return A and B; a Tucker core is folded into A, exactly: A'[n,i,k,l] = sum_m C[n,m,k,l] A[m,i]."""
    up, down = flat(slots["up"]), flat(slots["down"])
    if "mid" in slots:
        down = torch.einsum("nmkl,mi->nikl", slots["mid"], down)
    return Factors(down=down.reshape(-1, *weight_shape[1:]), up=up)


def _change(slots: Slots, weight: Tensor) -> Tensor:
    down, up = _factors(slots, tuple(weight.shape))
    return (up @ flat(down)).reshape(weight.shape)


def _init(shape: Shape, rank: int, _factor: int, generator: Generator | None) -> dict[str, Tensor]:
    """B = 0; A uniform as torch starts a layer of its shape (LoRA's own code, sd-scripts, PEFT)."""
    ones = (1,) * (len(shape) - 2)
    return {"down": uniform((rank, *shape[1:]), generator), "up": torch.zeros(shape[0], rank, *ones)}


LORA = Kind(
    form=form_named("lora"),
    linear=True,
    rank=_rank,
    check=_check,
    change=_change,
    factors=_factors,
    init=_init,
)
"""D = a/r B A, with B = `up` (out, r) and A = `down` (r, in[, kh, kw]).

Source: LoRA, arXiv 2106.09685, section 4.1, equation 3. On convolutions (LoCon) the product of the flattened factors
is the same as a convolution by A followed by a 1x1 convolution by B.
With `mid` = C (r, r, kh, kw), LyCORIS's Tucker form (arXiv 2309.14859), and A (r, in), B (out, r):
D[o,i,k,l] = a/r sum_nm B[o,n] C[n,m,k,l] A[m,i].
`up_bias` b (out,) is a bias of B, as PEFT trains it with `lora_bias`: the layer's own grows by a/r b.
"""
