"""DoRA: the direction comes from W0 + D, the length from the file.

f(W0) = m (W0 + D) / (||W0 + D||_c + eps). Source: arXiv 2402.09353, equation 5, where c is one column of the paper's
W (d, k), that is: one norm per entry of an axis. Two axes are in circulation, and a wrong one broadcasts silently:

- `in`: m (1, in, ..), one norm per input channel over outputs and kernel. LyCORIS before 3.2, OneTrainer.
- `out`: m (out, 1, ..), one norm per output channel. LyCORIS since 3.2, PEFT (`lora_magnitude_vector`, one axis).

eps is the machine epsilon of the computation, added to the norm, as LyCORIS does. The norm is that of W0 + D, not of
W0, and the strength is outside: W0 + s (f(W0) - W0).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from lora_mixer.adapters.kind import Hints
from lora_mixer.adapters.shapes import broken, shape_of, spell
from lora_mixer.adapters.slots import Axis, Slots
from lora_mixer.forms import MAGNITUDES
from lora_mixer.modules import Shape

if TYPE_CHECKING:
    from torch import Tensor


def dora_axis(slots: Slots, weight_shape: Shape, hints: Hints) -> Axis | None:
    """Return the axis of the group's magnitudes, or None if the group is no DoRA.

    PEFT's `magnitude` is per output. `dora_scale` tells by its shape: (1, in, ..) or (out, 1, ..); one with a single
    axis on a square layer fits both, and then the hint decides, else `out`, LyCORIS's default since 3.2.

    Raises:
        BrokenAdapterError: both magnitudes are present, or one fits neither axis.
    """
    names = sorted(MAGNITUDES & slots.keys())
    if not names:
        return None
    if len(names) > 1:
        raise broken("the group has both `dora_scale` and `magnitude`")
    axes = _axes(slots, weight_shape)
    if not axes:
        shape = spell(shape_of(slots[names[0]]))
        raise broken(f"`{names[0]}` is {shape} and fits neither axis of the layer's {spell(weight_shape)}")
    return next(iter(axes)) if len(axes) == 1 else hints.dora_axis or "out"


def file_hints(groups: Iterable[tuple[Slots, Shape]]) -> Hints:
    """Return what the groups of one file, each with its layer's weight shape, tell about one another.

    A trainer uses one axis throughout, so the axis that most of the unambiguous DoRA groups show holds for the rest.
    """
    votes = Counter(axis for slots, shape in groups if len(axes := _axes(slots, shape)) == 1 for axis in axes)
    return Hints(dora_axis=votes.most_common(1)[0][0]) if votes else Hints()


def _axes(slots: Slots, weight_shape: Shape) -> set[Axis]:
    """Return the axes the group's magnitude fits, none if it has no magnitude."""
    if "magnitude" in slots:
        return _axes_of_peft(shape_of(slots["magnitude"]), weight_shape)
    return _axes_of(shape_of(slots["dora_scale"]), weight_shape) if "dora_scale" in slots else set()


def _axes_of(shape: Shape, weight_shape: Shape) -> set[Axis]:
    """Return the axes a magnitude of this shape fits."""
    axes: set[Axis] = set()
    if len(weight_shape) > 1 and shape[2:] == (1,) * len(shape[2:]):
        if shape[:1] == weight_shape[:1] and shape[1:2] in ((), (1,)):
            axes.add("out")
        if shape[:2] == (1, weight_shape[1]) or shape == (weight_shape[1],):
            axes.add("in")
    return axes


def _axes_of_peft(shape: Shape, weight_shape: Shape) -> set[Axis]:
    """Return `out` for PEFT's shapes, (out,) on linear layers and (1, out, 1, 1) on convolutions."""
    fits = len(weight_shape) > 1 and shape in ((weight_shape[0],), (1, weight_shape[0], 1, 1))
    return {"out"} if fits else set()


def gain(slots: Slots, direction: Tensor, axis: Axis) -> Tensor:
    """Return m / (||W0 + D|| + eps), one number per entry of the axis; `direction` is W0 + D.

    Source: arXiv 2402.09353, equation 5.
    """
    others = [n for n in range(direction.ndim) if n != (0 if axis == "out" else 1)]
    norm: Tensor = torch.linalg.vector_norm(direction, dim=others)
    magnitude = next(slots[name] for name in sorted(MAGNITUDES) if name in slots)
    gains: Tensor = magnitude.reshape(-1).to(norm) / (norm + torch.finfo(norm.dtype).eps)
    return gains


def spread(vector: Tensor, axis: Axis, weight: Tensor) -> Tensor:
    """Return a vector over one axis of a weight, shaped to broadcast over the whole."""
    return vector.reshape(-1, *[1] * (weight.ndim - (1 if axis == "out" else 2)))
