"""Checks that read shapes only, so that nothing is multiplied or allocated before everything fits."""

from __future__ import annotations

import math

from torch import Tensor

from lora_mixer.adapters.slots import Slots
from lora_mixer.errors import BrokenAdapterError
from lora_mixer.forms import TRAIN_AGAIN
from lora_mixer.modules import Shape

RANK_CAP = 1024
"""No trainer goes beyond this; a layer whose own full rank is larger may go up to that."""


def broken(what: str, remedy: str = TRAIN_AGAIN) -> BrokenAdapterError:
    """Return the one error of this room, to be raised; the caller adds file and key."""
    return BrokenAdapterError(what, remedy=remedy)


def shape_of(tensor: Tensor) -> Shape:
    """Return the shape as a plain tuple."""
    return tuple(tensor.shape)


def spell(shape: Shape) -> str:
    """Return a shape as people write it.

    >>> spell((320, 4, 3, 3))
    '320x4x3x3'
    """
    return "x".join(map(str, shape)) or "scalar"


def flat(tensor: Tensor) -> Tensor:
    """Return the tensor as a matrix that keeps axis 0: (n, everything else)."""
    return tensor.reshape(tensor.shape[0], -1)


def columns(shape: Shape) -> int:
    """Return how many columns the flattened weight has: in, or in * kh * kw."""
    return math.prod(shape[1:])


def require_axes(slots: Slots, name: str, *allowed: int) -> Shape:
    """Return the shape of a slot, refusing another number of axes and axes of length 0."""
    shape = shape_of(slots[name])
    if len(shape) not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise broken(f"`{name}` has {len(shape)} axes ({spell(shape)}), expected {wanted}")
    if 0 in shape:
        raise broken(f"`{name}` is empty ({spell(shape)}): rank 0")
    return shape


def require_matrix(slots: Slots, name: str) -> Shape:
    """Return the shape of a slot that is a matrix, perhaps written as a 1x1 convolution: (rows, columns)."""
    shape = require_axes(slots, name, 2, 4)
    if columns(shape) != shape[1]:
        raise broken(f"`{name}` is {spell(shape)}, expected a matrix or a 1x1 convolution")
    return shape[:2]


def require_rank(rank: int, weight_shape: Shape) -> None:
    """Refuse ranks no trainer writes: they cost memory and time and add nothing."""
    limit = max(RANK_CAP, min(weight_shape[0], columns(weight_shape)))
    if rank > limit:
        raise broken(f"rank {rank} on a layer of {spell(weight_shape)} is beyond any use (limit {limit})")


def require_equal(what: str, found: int | Shape, expected: int | Shape) -> None:
    """Refuse two numbers (or shapes) that ought to agree."""
    if found != expected:
        left, right = (spell(n) if isinstance(n, tuple) else str(n) for n in (found, expected))
        raise broken(f"{what}: {left} does not fit {right}")


def require_kernel(name: str, shape: Shape, weight_shape: Shape) -> None:
    """Refuse a tensor (r, in, ...) whose trailing axes are not the weight's (flattened, or 1x1 on a linear layer)."""
    require_equal(f"`{name}` against the layer's inputs", columns(shape), columns(weight_shape))
    if len(shape) > 2:
        padded = (*weight_shape[1:], 1, 1)[: len(shape) - 1]
        require_equal(f"`{name}` against the layer's kernel", shape[1:], padded)
