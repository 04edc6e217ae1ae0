"""OFT and BOFT: the outputs of W0 turned by block-diagonal rotations."""

from __future__ import annotations

import torch
from torch import Tensor

from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.modifiers import number
from lora_mixer.adapters.shapes import broken, require_axes, require_equal, shape_of, spell
from lora_mixer.adapters.side import Rotation, rotate
from lora_mixer.adapters.slots import Slots
from lora_mixer.forms import form_named
from lora_mixer.modules import Shape

LARGEST_CONSTRAINT = 65504.0


def _check(slots: Slots, weight_shape: Shape) -> None:
    name = "oft_diag" if "oft_diag" in slots else "oft_blocks"
    shape = require_axes(slots, name, 3, 4)
    blocks, size = shape[-3:-1]
    require_equal(f"`{name}`, whose blocks are square,", shape[-1], size)
    require_equal(f"blocks times block size of `{name}` against the layer's outputs", blocks * size, weight_shape[0])
    if len(shape) == 4:
        _check_stages(shape[0], blocks, size)
    if (number(slots, "alpha") or 0.0) > LARGEST_CONSTRAINT:
        raise broken("`alpha` bounds the rotations by a number that is beyond any trainer's")
    if "rescale" in slots and slots["rescale"].numel() != weight_shape[0]:
        raise broken(f"`rescale` is {spell(shape_of(slots['rescale']))}, the layer has {weight_shape[0]} outputs")


def _check_stages(stages: int, blocks: int, size: int) -> None:
    """Refuse a butterfly whose last stage does not divide the channels: it pairs channels 2^(m-1) b/2 apart."""
    if size % 2 or stages > blocks.bit_length() or blocks % 2 ** (stages - 1):
        raise broken(f"{stages} butterfly stages do not fit {blocks} blocks of {size}")


def _rotations(slots: Slots, outputs: int) -> Tensor:
    """Return R, one per block, (..., blocks, b, b): the Cayley transform of Q = B - B^T, or the stored blocks.

    R = (I + Q)(I - Q)^-1, Q held to a Frobenius norm (over all blocks) of alpha * outputs unless alpha is 0 or
    missing: kohya's and LyCORIS's constraint. Source: arXiv 2306.07280 (Cayley parametrisation; constrained OFT, COFT).
    """
    if "oft_diag" in slots:
        return slots["oft_diag"]
    skew = slots["oft_blocks"] - slots["oft_blocks"].transpose(-1, -2)
    constraint = (number(slots, "alpha") or 0.0) * outputs
    if constraint > 0:
        skew = skew * (constraint / torch.linalg.vector_norm(skew).clamp(min=constraint))
    unit = torch.eye(skew.shape[-1], dtype=skew.dtype, device=skew.device)
    rotations: Tensor = torch.linalg.solve(unit - skew, unit + skew, left=False)
    return rotations


def _side(slots: Slots, weight: Tensor, _: float) -> tuple[Rotation]:
    return (_rotation(slots, weight.shape[0]),)


def _rotation(slots: Slots, outputs: int) -> Rotation:
    rotations = _rotations(slots, outputs)
    gain = slots["rescale"].reshape(-1) if "rescale" in slots else None
    if rotations.ndim == 4:
        return Rotation(stages=rotations, butterfly=True, gain=gain)
    return Rotation(stages=rotations.transpose(1, 2)[None], butterfly=False, gain=gain)


def _change(slots: Slots, weight: Tensor) -> Tensor:
    rotation = _rotation(slots, weight.shape[0])
    turned = rotate(weight.movedim(0, -1), rotation.stages, butterfly=rotation.butterfly).movedim(-1, 0)
    if rotation.gain is not None:
        turned = turned * rotation.gain.reshape(-1, *[1] * (weight.ndim - 1))
    return turned - weight


OFT = Kind(
    form=form_named("oft"),
    linear=False,
    check=_check,
    change=_change,
    side=_side,
)
"""f(W0) = l R^T W0, R block-diagonal from `oft_blocks` (blocks, b, b), l = `rescale` (out, 1, ..) or 1.

Source: arXiv 2306.07280; sd-scripts `networks/oft.py`, LyCORIS `DiagOFTModule`. alpha is no numerator here
but the constraint on the size of Q. `oft_diag` is LyCORIS's early form, which stores R itself.
"""

BOFT = Kind(
    form=form_named("boft"),
    linear=False,
    check=_check,
    change=_change,
    side=_side,
)
"""f(W0) = l R_m .. R_1 W0, each R_i block-diagonal over regrouped channels, from `oft_blocks` (m, blocks, b, b).

Source: arXiv 2311.06243; LyCORIS `ButterflyOFTModule`. Strength multiplies the whole change; LyCORIS
blends every R_i with the identity instead, which is the same at 0 and 1.
"""
