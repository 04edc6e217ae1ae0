"""Convolutions that keep their weight in the order oneDNN multiplies in, besides the order everyone else reads.

torch lets oneDNN reorder a convolution's weight at every call. In bfloat16 on a CPU that is up to a third of the call;
the output is the same bit for bit. The weight itself stays where and as it is, so checksums, merges and side paths see
nothing of this.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from lora_mixer.models.memory import available_bytes

SHARE = 0.25
"""Weights are kept twice only where that takes at most this share of the free memory."""


class PackedConv2d(nn.Conv2d):
    """A convolution with its pristine weight packed, and that of a mix from its second use on.

    Packed weights belong to weights that stay as they are; `installed` says that another has taken their place. The
    weights are held, so that no other can come to lie where they lay.
    """

    pristine: Tensor
    """The weight as it was opened."""
    pristine_pack: Tensor | None
    mixed: Tensor | None
    """The weight of the mix that is on, or was last, if it can be told when it is written over."""
    version: int
    """torch's count of writes to it, when it was put on."""
    mixed_pack: Tensor | None
    uses: int
    """How often it has been used without being packed."""

    def begin(self) -> None:
        """Take the weight as it stands for the pristine one."""
        self.pristine, self.pristine_pack = self.weight.data, None
        self.mixed, self.version, self.mixed_pack, self.uses = None, 0, None, 0

    def installed(self, weight: Tensor) -> None:
        """Note that this weight is on: the pristine one, or a mix, perhaps written over an earlier one."""
        if weight.data_ptr() == self.pristine.data_ptr():
            return
        version = None if weight.is_inference() else weight._version  # noqa: SLF001 it has no other name
        if version is None or weight is not self.mixed or version != self.version:
            self.mixed, self.version = (None, 0) if version is None else (weight, version)
            self.mixed_pack, self.uses = None, 0

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        usual = torch.compiler.is_compiling() or weight.dtype is not torch.bfloat16
        packed = None if usual else self._packed(weight, input.shape)
        output: Tensor
        if packed is None:
            output = super()._conv_forward(input, weight, bias)
            return output
        output = torch.ops.mkldnn._convolution_pointwise(  # noqa: SLF001 what torch's own compiler calls
            input, packed, bias, self.padding, self.stride, self.dilation, self.groups, "none", [], ""
        )
        return output

    def _packed(self, weight: Tensor, shape: torch.Size) -> Tensor | None:
        """Return this weight packed, if it is worth it."""
        place = weight.data_ptr()
        if place == self.pristine.data_ptr():
            if self.pristine_pack is None:
                self.pristine_pack = self._pack(weight, shape)
            return self.pristine_pack
        if self.mixed is None or place != self.mixed.data_ptr():
            return None
        self.uses += 1
        if self.mixed_pack is None and self.uses > 1:
            self.mixed_pack = self._pack(weight, shape)
        return self.mixed_pack

    def _pack(self, weight: Tensor, shape: torch.Size) -> Tensor:
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


def pack_convolutions(network: nn.Module) -> None:
    """Let a network's convolutions keep packed weights, where oneDNN computes them and there is memory for it."""
    chosen = [module for module in network.modules() if type(module) is nn.Conv2d and _can_be_packed(module)]
    free = available_bytes()
    if free is not None and sum(module.weight.nbytes for module in chosen) > SHARE * free:
        return
    for module in chosen:
        object.__setattr__(module, "__class__", PackedConv2d)
        cast(PackedConv2d, module).begin()


def _can_be_packed(module: nn.Conv2d) -> bool:
    weight = module.weight
    return (
        weight.device.type == "cpu"
        and weight.dtype is torch.bfloat16
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )
