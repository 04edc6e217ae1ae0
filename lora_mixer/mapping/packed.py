"""One group on several modules: OpenCLIP keeps q, k and v in one weight, their rows one below the other."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from lora_mixer.errors import BrokenAdapterError

SHARED = frozenset(
    {"down", "mid", "alpha", "scale", "scalar", "w1_b", "w2_b", "t1", "t2", "k1_b", "k2", "k2_a", "k2_b", "kt2"}
)
"""Slots every module takes whole: they act on the inputs, which all share."""

ROWS = MappingProxyType(
    {"up": 0, "w1_a": 0, "w2_a": 0, "k1": 0, "k1_a": 0, "diff": 0, "diff_b": 0, "up_bias": 0, "dora_scale": 0}
)
"""Slots that are cut, and along which axis: their rows (of LoKr's first factor, groups of rows) are outputs."""

TUCKER = MappingProxyType({"w1_a": 1, "w2_a": 1})
"""The same where LoHa has cores: its outer factors lie the other way round."""


def split_rows(slots: Mapping[str, Tensor], pieces: int) -> tuple[Mapping[str, Tensor], ...]:
    """Return the slots of each module whose rows, stacked, the group changes; views, no copies.

    Raises:
        BrokenAdapterError: The rows cannot be told apart (a kind that mixes them, or a number of them that does not
            divide).
    """
    axes = {**ROWS, **TUCKER} if "t1" in slots else ROWS
    if alien := sorted(slots.keys() - SHARED - axes.keys()):
        raise BrokenAdapterError(
            f"`{alien[0]}` on an OpenCLIP weight that holds q, k and v cannot be divided among the three",
            remedy="Convert the file to separate q, k and v, or use a version of it that has them.",
        )
    cut = {slot: _cut(slot, tensor, axes[slot], pieces) for slot, tensor in slots.items() if slot in axes}
    whole = {slot: tensor for slot, tensor in slots.items() if slot not in axes}
    return tuple({**whole, **{slot: parts[piece] for slot, parts in cut.items()}} for piece in range(pieces))


def _cut(slot: str, tensor: Tensor, axis: int, pieces: int) -> tuple[Tensor, ...]:
    if tensor.ndim <= axis or tensor.shape[axis] % pieces:
        shape = "x".join(map(str, tensor.shape))
        raise BrokenAdapterError(f"`{slot}` is {shape}, whose rows cannot be divided into q, k and v")
    return tensor.chunk(pieces, dim=axis)
