"""Weights kept in the order oneDNN multiplies in, besides the order everyone else reads.

torch lets oneDNN read a weight as it lies, or reorder it at every call. On a CPU that is up to a third of a convolution
and a tenth to a half of a linear layer in bfloat16, and up to three quarters of a convolution of few places in float32.
A pack that is kept and one that is made anew give the same bits, so memory and history change the time alone. The weight
itself stays where and as it is, so checksums, merges and side paths see nothing of this.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

X86 = platform.machine().lower() in {"x86_64", "amd64"}
"""Whether this is a processor that oneDNN has kernels of its own for in float32."""
ROWS = 1024
"""Packed matrices are made for products of about so many rows; for others they serve as well."""


class Packs:
    """A module's pristine weight packed, and that of a mix from its second use on.

    Packs belong to weights that stay as they are; `installed` says that another has taken their place. The weights are
    held, so that no other can come to lie where they lay.

    Args:
        keeps: Whether packs are kept.
    """

    __slots__ = ("keeps", "mixed", "mixed_pack", "pristine", "pristine_pack", "uses", "version", "written")

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self.pristine: Tensor | None = None
        """The weight as it was when the kernels were put on."""
        self.written: int | None = None
        """torch's count of writes to it then."""
        self.pristine_pack: Tensor | None = None
        self.mixed: Tensor | None = None
        """The weight of the mix that is on, or was last, if it can be told when it is written over."""
        self.version = 0
        """torch's count of writes to it, when it was put on."""
        self.mixed_pack: Tensor | None = None
        self.uses = 0
        """How often it has been used without being packed."""

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
    """A module that multiplies with packed weights while it is of this class."""

    packs: Packs


class PackedConv2d(Packed, nn.Conv2d):
    """A convolution that multiplies with packed weights."""

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
        """Return a weight packed for pictures of a shape."""
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
    """A linear layer that multiplies with packed weights."""

    def forward(self, input: Tensor) -> Tensor:
        """Return x W^T + b for x (..., in)."""
        if torch.compiler.is_compiling() or not by_onednn(self.weight) or input.dtype is not self.weight.dtype:
            return super().forward(input)
        packed = self.packs.of(self.weight, partial(self.pack, shape=input.shape))
        return multiplied(input, self.weight if packed is None else packed, self.bias)

    def pack(self, weight: Tensor, shape: torch.Size) -> Tensor:
        """Return a weight packed for inputs of a shape."""
        return packed_matrix(weight.detach(), shape[:-1].numel())


def by_onednn(tensor: Tensor) -> bool:
    """Return whether oneDNN computes with this tensor: on x86 in float32, and in bfloat16 where the processor has it."""
    if tensor.device.type != "cpu":
        return False
    if tensor.dtype is torch.float32:
        return X86 and bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]
    return tensor.dtype is torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001


def benefits_from_packing(weight: Tensor) -> bool:
    """Return whether products with this weight are sooner done when it is packed: in float32 they gain a hundredth."""
    return weight.dtype is torch.bfloat16 and by_onednn(weight)


def packed_matrix(matrix: Tensor, rows: int = ROWS) -> Tensor:
    """Return a matrix (out, in) packed for inputs of so many rows."""
    packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(matrix, rows)  # noqa: SLF001
    return packed


def multiplied(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return x M^T + b for x (..., in) and a matrix (out, in), packed or not.

    For x in one piece these are the bits of `F.linear`, sooner; for others torch rounds once more before it adds b.
    """
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, matrix, bias, "none", [], "")  # noqa: SLF001
    return product


def multiplied_and_added(x: Tensor, matrix: Tensor, total: Tensor) -> Tensor:
    """Return total + x M^T with one rounding, for x (..., in), a matrix (out, in), packed or not, and total (..., out)."""
    binary = torch.ops.mkldnn._linear_pointwise.binary  # noqa: SLF001
    summed: Tensor = binary(x, total, matrix, None, "add")
    return summed
