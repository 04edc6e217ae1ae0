"""What a kind of adapter is: slots in, a change of weights out.

Letters throughout this room: W0 is the pristine weight (out, in[, kh, kw]); D = f(W0) - W0 is the change at
strength 1; A (r, in[, kh, kw]) and B (out, r) are low-rank factors with D = B A.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Generator, Tensor

from lora_mixer.adapters.side import SideTerm
from lora_mixer.adapters.slots import Axis, Slots
from lora_mixer.forms import Form
from lora_mixer.modules import Shape


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What one group cannot tell by itself and its file can."""

    dora_axis: Axis | None = None
    """The axis the file's other layers show, for a magnitude whose shape fits both axes of a square layer."""


def no_rank(_: Slots) -> None:
    """Return None: alpha means nothing to kinds without a rank."""
    return


def no_factors(_: Slots, __: Shape) -> None:
    """Return None: the kind is not a product of two thin matrices."""
    return


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One row of the table of kinds.

    `change`, `factors` and `side` see slots that `check` has passed, already in the dtype and on the device of the
    computation. What `modifiers.py` and `dora.py` do is the same for all kinds and no business of theirs.
    """

    form: Form
    """Which slots make it, and what it is called."""

    vectors: bool = False
    """Whether it also goes onto a normalisation, whose weight is a vector."""

    linear: bool
    """Whether the change does not depend on W0."""

    rank: Callable[[Slots], int | None] = no_rank
    """The r that alpha is divided by; None where alpha is no such numerator. Reads shapes only."""

    check: Callable[[Slots, Shape], None]
    """Raises `BrokenAdapterError` unless the slots make a change of exactly this weight shape. Reads shapes only."""

    change: Callable[[Slots, Tensor], Tensor | None]
    """The unscaled change of a weight, None if it stays; linear kinds read only the weight's shape."""

    factors: Callable[[Slots, Shape], Factors | None] = no_factors
    """The unscaled low-rank factors for a weight shape, or None where there are none or full rank is as small."""

    side: Callable[[Slots, Tensor, float], tuple[SideTerm, ...]] | None = None
    """The forward-side form times a scale, where it is neither the factors nor a second operation with `change`."""

    init: Callable[[Shape, int, int, Generator | None], dict[str, Tensor]] | None = None
    """Fresh slots for a weight's shape, a rank and LoKr's factor, whose change is exactly zero; None: not trained."""

    @property
    def name(self) -> str:
        """The word for it in tables and records."""
        return self.form.name

    @property
    def title(self) -> str:
        """The name users know."""
        return self.form.title
