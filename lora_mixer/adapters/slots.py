"""The words all kinds share: a group's slots, and the axis of DoRA's magnitudes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

Slots = Mapping[str, Tensor]
"""One group's tensors by canonical slot name (`up`, `down`, `mid`, `alpha`, `dora_scale`, `w1_a`, ...)."""

Axis = Literal["in", "out"]
"""The axis of the weight along which DoRA keeps one magnitude per entry."""
