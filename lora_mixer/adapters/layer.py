"""One adapter group on one layer, checked: what it changes, at strength 1."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from lora_mixer.adapters.dora import gain, spread
from lora_mixer.adapters.kind import Delta, Factors, Kind, Weights
from lora_mixer.adapters.modifiers import WHOLE_NUMBERS, sparse
from lora_mixer.adapters.shapes import broken, flat
from lora_mixer.adapters.side import Dense, InputGain, Kronecker, LowRank, OutputGain, Shift, SideTerm
from lora_mixer.adapters.slots import Axis, Slots
from lora_mixer.forms import SPARSE
from lora_mixer.modules import Shape

PIECE = 2**18
"""So many numbers are cast at a time."""

_BIASES = frozenset({"diff_b", "b_norm", "up_bias"})
_places = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A group of slots that is known to fit its layer. Made by `make_layer`."""

    kind: Kind
    slots: Slots
    weight_shape: Shape
    own_shape: Shape
    """The weight shape the group was trained on: less than `weight_shape` by input channels that inpainting adds."""
    scale: float
    """alpha / rank, or what the file says instead; folded into everything below."""
    dora_axis: Axis | None
    """The axis of DoRA's magnitudes; None if the group is no DoRA."""
    new_bias: bool = False
    """Whether it gives a bias to a layer that has none."""

    @property
    def rank(self) -> int | None:
        """The rank that alpha is divided by; None for kinds that have none."""
        return self.kind.rank(self.slots)

    @property
    def linear(self) -> bool:
        """Whether the change is the same whatever W0 is."""
        return self.kind.linear and self.dora_axis is None

    def shortened(self, rank: int) -> Layer:
        """Return the layer with only its first ranks acting; the scale stays alpha by the full rank, as in A1111.

        Raises:
            BrokenAdapterError: It is no plain LoRA, whose ranks stand side by side.
        """
        if self.kind.name != "lora" or "mid" in self.slots:
            raise broken(f"only the ranks of a plain LoRA can be left out, not those of {self.kind.title}")
        up, down = self.slots["up"], self.slots["down"]
        return replace(self, slots={**self.slots, "up": up[:, :rank], "down": down[:rank]})

    def size(self) -> int:
        """Return the bytes the slots occupy."""
        return sum(tensor.nbytes for tensor in self.slots.values())

    def delta(self, base: Weights) -> Delta:
        """Return f(W0) - W0 at strength 1, in the base's dtype and on its device."""
        slots = self._cast(base.weight.dtype, base.weight.device)
        change = self._change(slots, base.weight)
        if self.dora_axis is not None and change is not None:
            direction = base.weight + change
            change = direction * spread(gain(slots, direction, self.dora_axis), self.dora_axis, direction) - base.weight
        return Delta(weight=change, bias=_bias(slots, self.scale))

    def bias_change(self, dtype: torch.dtype = torch.float32) -> Tensor | None:
        """Return the change of the bias alone, (out,), which never depends on W0; None if the bias stays."""
        bias = _bias({name: self.slots[name].to(dtype) for name in _BIASES & self.slots.keys()}, self.scale)
        return None if bias is None else bias.to(dtype)

    def factors(self, dtype: torch.dtype = torch.float32) -> Factors | None:
        """Return exact low-rank factors of the weight's change, scale folded in, or None where there are none.

        Shapes: down (r, in[, kh, kw]) as the layer's weight has it, up (out, r).
        """
        return None if self.dora_axis else self._factors(self._cast(dtype, None))

    def rounded_factors(self, dtype: torch.dtype, device: torch.device) -> Factors | None:
        """Return the factors in a dtype and on a device, computed in float32 and rounded once; None if there are none."""
        if self._is_plain:  # the group's own tensors, of which nothing is copied but the result
            down, up = self.slots["down"].reshape(-1, *self.weight_shape[1:]), flat(self.slots["up"])
            return Factors(down=_rounded(down, 1.0, dtype, device), up=_rounded(up, self.scale, dtype, device))
        factors = self.factors()
        if factors is None:
            return None
        return Factors(down=_rounded(factors.down, 1.0, dtype, device), up=_rounded(factors.up, 1.0, dtype, device))

    @property
    def _is_plain(self) -> bool:
        """Whether the group's own tensors are the factors, scale aside: a LoRA with nothing added."""
        odd = {"mid", *SPARSE} & self.slots.keys()
        return self.kind.name == "lora" and not odd and self.dora_axis is None and self.own_shape == self.weight_shape

    def side(self, base: Weights) -> tuple[SideTerm, ...]:
        """Return terms whose sum is exactly what the change adds to the layer's output at strength 1.

        Every kind has such terms. Their tensors are in the base's dtype and on its device. Kinds whose change is a
        sum onto W0 read only the base's shape, unless they are DoRAs.
        """
        slots = self._cast(base.weight.dtype, base.weight.device)
        terms = self._terms(slots, base.weight)
        bias = _bias(slots, self.scale)
        if bias is None:
            return terms
        if base.weight.ndim > 1:
            return (*terms, Shift(bias=bias))
        (norm,) = [term for term in terms if isinstance(term, Dense)] or [Dense(weight=torch.zeros_like(base.weight))]
        return (replace(norm, bias=bias),)

    def _terms(self, slots: Slots, weight: Tensor) -> tuple[SideTerm, ...]:
        """Return the terms for the weight, with DoRA's gains where the group has them."""
        plain = self._plain_terms(slots, weight)
        if self.dora_axis is None:
            return plain
        change = self._change(slots, weight)
        gains = gain(slots, weight if change is None else weight + change, self.dora_axis)
        along = OutputGain(gain=gains - 1) if self.dora_axis == "out" else InputGain(gain=gains - 1)
        additive = [term for term in plain if isinstance(term, LowRank | Kronecker | Dense)]
        return (along, *(term.along(self.dora_axis, gains) for term in additive))

    def _plain_terms(self, slots: Slots, weight: Tensor) -> tuple[SideTerm, ...]:
        pair = self._factors(slots)
        if pair is not None:
            return (LowRank(down=pair.down, up=pair.up),)
        if self.kind.side is not None and self.own_shape == self.weight_shape and not SPARSE & slots.keys():
            return self.kind.side(slots, weight, self.scale)
        change = self._change(slots, weight)
        return () if change is None else (Dense(weight=change),)

    def _factors(self, slots: Slots) -> Factors | None:
        """Return the factors of the change before DoRA; a sparse addend has none."""
        pair = None if SPARSE & slots.keys() else self.kind.factors(slots, self.own_shape)
        return pair and Factors(down=self._padded(pair.down), up=pair.up * self.scale)

    def _change(self, slots: Slots, weight: Tensor) -> Tensor | None:
        """Return the change before DoRA, scale folded in: (product + sparse addend) * scale."""
        own = weight if self.own_shape == self.weight_shape else weight.narrow(1, 0, self.own_shape[1])
        change = self.kind.change(slots, own)
        if change is None:
            return None
        addend = sparse(slots, own)
        return self._padded((change if addend is None else change + addend) * self.scale)

    def _padded(self, tensor: Tensor) -> Tensor:
        """Return a (n, own inputs, kh, kw) tensor with zeros for the inputs the group was not trained on."""
        if self.own_shape == self.weight_shape:
            return tensor
        return F.pad(tensor, (0, 0, 0, 0, 0, self.weight_shape[1] - self.own_shape[1]))

    def _cast(self, dtype: torch.dtype, device: torch.device | None) -> Slots:
        return {
            name: tensor.to(device=device, dtype=None if name in WHOLE_NUMBERS else dtype)
            for name, tensor in self.slots.items()
        }


def _rounded(tensor: Tensor, scale: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a tensor times a number in another dtype, computed in float32 and rounded once."""
    there = tensor.to(device)
    if there.dtype == dtype and scale == 1.0:
        return there
    if torch.float32 in (dtype, there.dtype) or device.type != "cpu":
        return (there.float() * scale if scale != 1.0 else there).to(dtype)
    return _rounded_in_pieces(there, scale, dtype)


def _rounded_in_pieces(tensor: Tensor, scale: float, dtype: torch.dtype) -> Tensor:
    """Return a tensor of half precision times a number in another half precision, on the CPU.

    By way of float32, since torch casts float16 to bfloat16 one number at a time; in pieces, so that the float32
    numbers never leave the cache, and in one place, which the system has to find memory for once and not for each.
    """
    rounded = torch.empty(tensor.shape, dtype=dtype)
    given, goal = tensor.reshape(-1), rounded.view(-1)
    for start in range(0, len(goal), PIECE):
        piece = slice(start, start + PIECE)
        exact = place_for(len(goal[piece])).copy_(given[piece])
        goal[piece] = exact.mul_(scale) if scale != 1.0 else exact
    return rounded


def place_for(numbers: int) -> Tensor:
    """Return a place for up to PIECE numbers of float32, the thread's own: what it held before is written over."""
    if not hasattr(_places, "exact"):
        with torch.inference_mode(mode=False):  # what is made in that mode cannot be written outside of it
            _places.exact = torch.empty(PIECE)
    exact: Tensor = _places.exact
    return exact[:numbers]


def _bias(slots: Slots, scale: float) -> Tensor | None:
    """Return what the bias grows by: what the group says of it, and a/r times the bias of a LoRA's second factor."""
    bias = slots.get("diff_b", slots.get("b_norm"))
    total = None if bias is None else bias.reshape(-1)
    if "up_bias" not in slots:
        return total
    shift = slots["up_bias"].reshape(-1) * scale
    return shift if total is None else total + shift
