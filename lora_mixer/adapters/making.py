"""From a group of slots to a layer: every check a file must pass before its tensors are multiplied."""

from __future__ import annotations

import math
from types import MappingProxyType

import torch
from torch import Tensor

from lora_mixer.adapters.dora import dora_axis
from lora_mixer.adapters.kind import Hints, Kind
from lora_mixer.adapters.kinds import detect
from lora_mixer.adapters.layer import Layer
from lora_mixer.adapters.modifiers import WHOLE_NUMBERS, check_sparse, scale_of
from lora_mixer.adapters.shapes import broken, shape_of, spell
from lora_mixer.adapters.slots import Slots
from lora_mixer.errors import BrokenAdapterError
from lora_mixer.modules import Shape

NO_HINTS = Hints()

TEXT_TO_IMAGE_INPUTS, INPAINTING_INPUTS = 4, 9
"""Input channels of conv_in: latents; latents, mask and masked latents (in this order)."""

LARGEST = 65504.0
"""The largest half-precision number. Trained values are below 1000."""


def make_layer(
    slots: Slots, weight_shape: Shape, bias_shape: Shape | None, *, hints: Hints = NO_HINTS, sane: bool = False
) -> Layer:
    """Return the group as a layer, after checking by shapes alone that it makes a change of exactly this weight.

    Args:
        slots: The group's tensors by slot name, in the file's dtypes.
        weight_shape: (out, in) of a linear layer, (out, in, kh, kw) of a convolution, (channels,) of a normalisation.
        bias_shape: (out,), or None if the layer has no bias.
        hints: What the rest of the file tells.
        sane: Whether the values are known to be finite and of a size that is written, so that none is read here.

    Raises:
        BrokenAdapterError: no kind has these slots, a shape contradicts another or the layer's, a rank is 0 or
            absurd, alpha is not one finite number, or a value is NaN, infinite or absurd. Nothing has been multiplied.
    """
    kind = detect({name: shape_of(tensor) for name, tensor in slots.items()})
    _require_numbers(slots)
    if len(weight_shape) not in ((1, 2, 4) if kind.vectors else (2, 4)):
        raise broken(f"{kind.title} does not go onto a layer whose weight is {spell(weight_shape)}")
    own_shape = _own_shape(kind, slots, weight_shape)
    check_sparse(slots, own_shape)
    axis = dora_axis(slots, own_shape, hints)
    if axis is not None and own_shape != weight_shape:
        raise broken("a DoRA made for 4 input channels has no meaning on an inpainting model's 9")
    if axis is not None and "up_bias" in slots:
        raise broken("a DoRA whose second factor has a bias is trained by no program")
    new_bias = bias_shape is None and "up_bias" in slots
    _check_bias(slots, weight_shape[:1] if new_bias and "diff_b" not in slots else bias_shape)
    rank = kind.rank(slots)
    scale = scale_of(slots, rank)
    _require_sane_scale(scale)
    if not sane:
        _require_sane(slots if rank else {name: tensor for name, tensor in slots.items() if name != "alpha"})
    return Layer(
        kind=kind,
        slots=MappingProxyType(dict(slots)),
        weight_shape=weight_shape,
        own_shape=own_shape,
        scale=scale,
        dora_axis=axis,
        new_bias=new_bias,
    )


def _own_shape(kind: Kind, slots: Slots, weight_shape: Shape) -> Shape:
    """Return the weight shape the group fits: the layer's, or an inpainting conv_in without its extra inputs."""
    try:
        kind.check(slots, weight_shape)
    except BrokenAdapterError:
        if not kind.linear or len(weight_shape) != 4 or weight_shape[1] != INPAINTING_INPUTS:
            raise
        narrow = (weight_shape[0], TEXT_TO_IMAGE_INPUTS, *weight_shape[2:])
        kind.check(slots, narrow)
        return narrow
    return weight_shape


def _check_bias(slots: Slots, bias_shape: Shape | None) -> None:
    for name in sorted(slots.keys() & {"diff_b", "b_norm", "up_bias"}):
        if bias_shape is None:
            raise broken(f"`{name}` changes a bias, and the layer has none")
        if shape_of(slots[name]) != bias_shape:
            raise broken(f"`{name}` is {spell(shape_of(slots[name]))}, the layer's bias is {spell(bias_shape)}")


def _require_numbers(slots: Slots) -> None:
    """Refuse integers, booleans and complex numbers where the algebra needs real ones."""
    for name in sorted(slots.keys() - WHOLE_NUMBERS):
        if not slots[name].is_floating_point():
            raise broken(f"`{name}` holds {str(slots[name].dtype).removeprefix('torch.')}, expected floating point")


def has_sane_values(tensor: Tensor) -> bool:
    """Whether all values are finite and none is larger than any that a trainer writes.

    No float16 is too large, and NaN or an infinity among the addends leaves no finite sum: a sum is sooner found.
    """
    if tensor.dtype is torch.float16 and math.isfinite(tensor.sum().item()):
        return True
    low, high = _extremes(tensor)
    return -LARGEST <= low <= high <= LARGEST


def _require_sane_scale(scale: float) -> None:
    if abs(scale) > LARGEST:
        raise broken(f"alpha and scale multiply the change by {scale:g}, which makes every picture infinite")


def _require_sane(slots: Slots) -> None:
    """Refuse NaN, infinity, and numbers so large that a product of them would become infinite."""
    for name in sorted(slots):
        if slots[name].is_floating_point():
            _require_sane_values(name, slots[name])


def _require_sane_values(name: str, tensor: Tensor) -> None:
    low, high = _extremes(tensor)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise broken(f"`{name}` holds NaN or infinite values")
    if max(-low, high) > LARGEST:
        raise broken(f"`{name}` holds values up to {max(-low, high):g}, beyond anything a trainer writes")


def _extremes(tensor: Tensor) -> tuple[float, float]:
    """Return the least and the largest value, without a copy of the tensor: those of a tensor with NaN are NaN."""
    if tensor.numel() == 0:
        return 0.0, 0.0
    low, high = torch.aminmax(tensor.float() if tensor.itemsize == 1 else tensor)
    return low.item(), high.item()
