"""One adapter group on one layer, checked: what it changes, at strength 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch

from lora_mixer.adapters.kind import Delta, Factors, Hints, Kind, Shape, Slots, Weights
from lora_mixer.adapters.kinds import recognise
from lora_mixer.adapters.modifiers import scale_of
from lora_mixer.adapters.shapes import broken, shape_of, spell

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A group of slots that is known to fit its layer."""

    kind: Kind
    slots: Slots
    weight_shape: Shape
    scale: float
    """alpha / rank, or what the file says instead; folded into everything below."""

    @property
    def rank(self) -> int | None:
        """The rank of the group's product; None for kinds that have none."""
        return self.kind.rank(self.slots)

    @property
    def linear(self) -> bool:
        """Whether the change is the same whatever W0 is."""
        return self.kind.linear

    def delta(self, base: Weights) -> Delta:
        """Return f(W0) - W0 at strength 1, in the base's dtype and on its device."""
        slots = _cast(self.slots, base.weight.dtype, base.weight.device)
        change = self.kind.change(slots, base.weight) * self.scale
        return Delta(weight=change, bias=slots.get("diff_b"))

    def factors(self, dtype: torch.dtype = torch.float32) -> Factors | None:
        """Return exact low-rank factors of the change, scale folded in, or None where there are none.

        Shapes: down (r, in[, kh, kw]) as the layer's weight has it, up (out, r).
        """
        pair = self.kind.factors(_cast(self.slots, dtype, None), self.weight_shape)
        return pair and Factors(down=pair.down, up=pair.up * self.scale)

    def size(self) -> int:
        """Return the bytes the slots occupy."""
        return sum(tensor.nbytes for tensor in self.slots.values())


NO_HINTS = Hints()


def make_layer(slots: Slots, weight_shape: Shape, bias_shape: Shape | None, *, hints: Hints = NO_HINTS) -> Layer:
    """Return the group as a layer, after checking by shapes alone that it makes a change of exactly this weight.

    Raises:
        BrokenAdapterError: no kind has these slots, a shape contradicts another or the layer's, a rank is 0 or
            absurd, alpha is not one finite number, or a value is NaN or infinite. Nothing has been multiplied then.
    """
    kind = recognise(slots)
    kind.check(slots, weight_shape)
    _ = hints
    if "diff_b" in slots and shape_of(slots["diff_b"]) != bias_shape:
        raise broken(f"`diff_b` is {spell(shape_of(slots['diff_b']))}, the layer's bias is {spell(bias_shape or ())}")
    scale = scale_of(slots, kind.rank(slots))
    for name in sorted(slots):
        _require_finite(name, slots[name])
    return Layer(kind=kind, slots=MappingProxyType(dict(slots)), weight_shape=weight_shape, scale=scale)


def _require_finite(name: str, tensor: Tensor) -> None:
    """Refuse NaN and infinity: one pass, no temporary. A sum is finite only if every term is."""
    wide = torch.float64 if tensor.dtype == torch.float64 else torch.float32
    values = tensor.to(wide) if tensor.itemsize == 1 else tensor
    if not torch.isfinite(values.sum(dtype=wide)) and not torch.isfinite(values).all():
        raise broken(f"`{name}` holds NaN or infinite values")


def _cast(slots: Slots, dtype: torch.dtype, device: torch.device | None) -> Mapping[str, Tensor]:
    return {name: tensor.to(device=device, dtype=dtype) for name, tensor in slots.items()}
