"""A module's low-rank product: the joined factors of all adapters, multiplied as fast as the device allows."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lora_mixer.adapters import LayerOp, LowRank, on_batch
from lora_mixer.kernels import benefits_from_packing, multiplied, multiplied_and_added, packed_matrix


@dataclass(slots=True, kw_only=True)
class LowRankKernel:
    """Joined low-rank factors, packed for oneDNN on first use where oneDNN multiplies them.

    Attributes:
        low: The terms joined.
        by_place: Whether the module acts on each position alone: a linear layer or a 1 x 1 convolution.
    """

    low: LowRank
    by_place: bool
    _down: Tensor | None = field(default=None, init=False)
    _up: Tensor | None = field(default=None, init=False)

    def added(self, total: Tensor, x: Tensor, operator: LayerOp, strengths: Tensor) -> Tensor:
        """Return total + s * g(x) for strengths s (batch, r) or with spatial axes; total may be overwritten."""
        if torch.compiler.is_compiling() or not benefits_from_packing(self.low.up):
            return self.low.added(total, x, operator, strengths)
        if self._up is None:
            self._up = packed_matrix(self.low.up)
            self._down = packed_matrix(self.low.down.flatten(1)) if self.by_place else None
        axis = operator.axis
        if self._down is None:
            hidden = operator.run(x, self.low.down, None)
        else:
            hidden = _channels_to(axis, multiplied(_channels_last(axis, x), self._down))
        hidden = hidden.mul_(on_batch(strengths, hidden, axis))
        summed = multiplied_and_added(_channels_last(axis, hidden), self._up, _channels_last(axis, total))
        return _channels_to(axis, summed)


def products_beside(module: nn.Module, low: LowRank) -> LowRankKernel:
    """Return the kernel for the joined factors of a module."""
    return LowRankKernel(low=low, by_place=isinstance(module, nn.Linear) or _is_by_place(module))


def _is_by_place(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and module.kernel_size == module.stride == (1, 1)
        and module.padding == (0, 0)
        and module.groups == 1
    )


def _channels_last(axis: int, tensor: Tensor) -> Tensor:
    """Return a tensor with its channels moved from an axis to the last, in one piece."""
    return (tensor if axis == -1 else tensor.permute(0, 2, 3, 1)).contiguous()


def _channels_to(axis: int, tensor: Tensor) -> Tensor:
    """Return a tensor with its channels moved from the last axis to another."""
    return tensor if axis == -1 else tensor.permute(0, 3, 1, 2)
