"""IA3: one learned factor per channel."""

from __future__ import annotations

from torch import Tensor

from lora_mixer.adapters.dora import spread
from lora_mixer.adapters.kind import Kind
from lora_mixer.adapters.modifiers import number
from lora_mixer.adapters.shapes import broken, shape_of, spell
from lora_mixer.adapters.side import InputGain, OutputGain
from lora_mixer.adapters.slots import Axis, Slots
from lora_mixer.forms import form_named
from lora_mixer.modules import Shape


def _axis(slots: Slots) -> Axis:
    return "in" if number(slots, "on_input") else "out"


def _check(slots: Slots, weight_shape: Shape) -> None:
    axis = _axis(slots)
    channels = weight_shape[0 if axis == "out" else 1]
    shape = shape_of(slots["ia3"])
    if slots["ia3"].numel() != channels or channels not in shape:
        raise broken(f"`ia3` is {spell(shape)}, the layer has {channels} {axis}puts")


def _change(slots: Slots, weight: Tensor) -> Tensor:
    return weight * spread(slots["ia3"], _axis(slots), weight)


def _side(slots: Slots, _: Tensor, scale: float) -> tuple[InputGain | OutputGain]:
    vector = slots["ia3"].reshape(-1) * scale
    return (InputGain(gain=vector) if _axis(slots) == "in" else OutputGain(gain=vector),)


IA3 = Kind(
    form=form_named("ia3"),
    linear=False,
    check=_check,
    change=_change,
    side=_side,
)
"""f(W0) = W0 (1 + l) along outputs, or along inputs where `on_input` is 1; l = `ia3` (d,) or (1, d, 1, 1).

Source: arXiv 2205.05638, section 3.3, with l counted from 0 instead of 1, as LyCORIS `IA3Module` stores it. The bias is
left alone, as in LyCORIS's forward.
"""
