"""What a kind of adapter is: slots in, a change of weights out.

Letters throughout this room: W0 is the pristine weight (out, in[, kh, kw]); D = f(W0) - W0 is the change at
strength 1; A (r, in[, kh, kw]) and B (out, r) are low-rank factors with D = B A.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor

Slots = Mapping[str, Tensor]
"""One group's tensors by canonical slot name (`up`, `down`, `mid`, `alpha`, `dora_scale`, `w1_a`, ...)."""


class Weights(NamedTuple):
    """A module's pristine parameters, in the dtype the algebra shall run in (float32; float64 in tests)."""

    weight: Tensor
    bias: Tensor | None


class Delta(NamedTuple):
    """The change at strength 1, in the shapes of the parameters; None means untouched."""

    weight: Tensor | None
    bias: Tensor | None


class Factors(NamedTuple):
    """Low-rank factors of a weight change, every scale folded in: D = up @ down (down flattened to 2-D)."""

    down: Tensor  # (r, in) or (r, in, kh, kw)
    up: Tensor  # (out, r)
