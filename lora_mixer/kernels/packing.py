"""Weights also kept in oneDNN's own layout.

Otherwise oneDNN reads a weight as it lies, or reorders it at every call. On a CPU that is up to a third of a convolution
and a tenth to a half of a linear layer in bfloat16, and up to three quarters of a convolution of few places in float32.
A cached pack and a new one give the same bits, so memory and history affect only the time. The weight itself is not
touched, so checksums, merges and side paths notice nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

X86 = platform.machine().lower() in {"x86_64", "amd64"}
"""Whether oneDNN has its own float32 kernels for this processor."""
ROWS = 1024
"""Matrices are packed for products of about this many rows; others work as well."""


class Packs:
    """Packs of a module's pristine weight and, from its second use on, of a mix's weight.

    Packs belong to weights that stay as they are; `installed` says that another has taken their place. References are
    held so their addresses cannot be reused.

    Args:
        keeps: Whether packs are kept.
    """

    __slots__ = ("keeps", "mixed", "mixed_pack", "pristine", "pristine_pack", "uses", "version", "written")

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self.pristine: Tensor | None = None
        """The weight as it was when the kernels were put on."""
        self.written: int | None = None
        """torch's version counter of it then."""
        self.pristine_pack: Tensor | None = None
        self.mixed: Tensor | None = None
        """The current or last mix's weight, if overwriting it can be detected."""
        self.version = 0
        """torch's version counter when it was installed."""
        self.mixed_pack: Tensor | None = None
        self.uses = 0
        """How often it was used unpacked."""

    def begin(self, weight: Tensor) -> None:
        """Take a weight for the pristine one; its pack is kept unless it was written or replaced (by a trainer)."""
        written = None if weight.is_inference() else weight._version  # noqa: SLF001 it has no other name
        if self.pristine is None or weight.data_ptr() != self.pristine.data_ptr() or written != self.written:
            self.pristine, self.written, self.pristine_pack = weight.data, written, None
            self.mixed, self.version, self.mixed_pack, self.uses = None, 0, None, 0

    def installed(self, weight: Tensor) -> None:
        """Note that this weight is on: the pristine one, or a mix, perhaps written over an earlier one."""
        if self.pristine is not None and weight.data_ptr() == self.pristine.data_ptr():
            return
        version = None if weight.is_inference() else weight._version  # noqa: SLF001 as above
        if version is None or weight is not self.mixed or version != self.version:
            self.mixed, self.version = (None, 0) if version is None else (weight, version)
            self.mixed_pack, self.uses = None, 0

    def of(self, weight: Tensor, pack: Callable[[Tensor], Tensor]) -> Tensor | None:
        """Return this weight packed, if that is worth keeping; `pack` packs one."""
        if not self.keeps or self.pristine is None:
            return None
        place = weight.data_ptr()
        if place == self.pristine.data_ptr():
            if self.pristine_pack is None:
                self.pristine_pack = pack(weight)
            return self.pristine_pack
        if self.mixed is None or place != self.mixed.data_ptr():
            return None
        self.uses += 1
        if self.mixed_pack is None and self.uses > 1:
            self.mixed_pack = pack(weight)
        return self.mixed_pack


class Packed(nn.Module):
    """A module that multiplies by packed weights while it has this class."""

    packs: Packs


class PackedConv2d(Packed, nn.Conv2d):
    """A convolution with packed weights."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        output: Tensor
        if torch.compiler.is_compiling() or not by_onednn(weight):
            output = super()._conv_forward(input, weight, bias)
            return output
        pack = partial(self.pack, shape=input.shape)
        packed = self.packs.of(weight, pack)
        if packed is None:
            packed = pack(weight)
        output = torch.ops.mkldnn._convolution_pointwise(  # noqa: SLF001 what torch's own compiler calls
            input, packed, bias, self.padding, self.stride, self.dilation, self.groups, "none", [], ""
        )
        return output

    def pack(self, weight: Tensor, shape: torch.Size) -> Tensor:
        """Pack a weight for images of a shape."""
        reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight  # noqa: SLF001 as above
        packed: Tensor = reorder(
            weight.detach().to_mkldnn(),
            list(self.padding),
            list(self.stride),
            list(self.dilation),
            self.groups,
            list(shape),
        )
        return packed


class PackedLinear(Packed, nn.Linear):
    """A linear layer with packed weights."""

    def forward(self, input: Tensor) -> Tensor:
        """Return x W^T + b for x (..., in)."""
        if torch.compiler.is_compiling() or not by_onednn(self.weight) or input.dtype is not self.weight.dtype:
            return super().forward(input)
        packed = self.packs.of(self.weight, partial(self.pack, shape=input.shape))
        return multiplied(input, self.weight if packed is None else packed, self.bias)

    def pack(self, weight: Tensor, shape: torch.Size) -> Tensor:
        """Pack a weight for inputs of a shape."""
        return packed_matrix(weight.detach(), shape[:-1].numel())


def by_onednn(tensor: Tensor) -> bool:
    """Return whether oneDNN computes with this tensor: on x86 in float32, and in bfloat16 where the processor has it."""
    if tensor.device.type != "cpu":
        return False
    if tensor.dtype is torch.float32:
        return X86 and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return tensor.dtype is torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def benefits_from_packing(weight: Tensor) -> bool:
    """Return whether packing speeds up products by this weight: in float32 it gains one per cent."""
    return weight.dtype is torch.bfloat16 and by_onednn(weight)


def packed_matrix(matrix: Tensor, rows: int = ROWS) -> Tensor:
    """Pack a matrix (out, in) for inputs of `rows` rows."""
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(matrix, rows)  # noqa: SLF001
    return packed


def multiplied(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x M^T + b for x (..., in) and a matrix (out, in), packed or not.

    For contiguous x this gives the bits of `F.linear`, faster; otherwise torch rounds once more before adding b.
    """
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, matrix, bias, "none", [], "")  # noqa: SLF001
    return product


def multiplied_and_added(x: Tensor, matrix: Tensor, total: Tensor) -> Tensor:
    """Return total + x M^T with one rounding, for x (..., in), a matrix (out, in), packed or not, and total (..., out)."""
    binary = torch.ops.mkldnn._linear_pointwise.binary  # noqa: SLF001
    summed: Tensor = binary(x, total, matrix, None, "add")
    return summed
