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

    Packed weights belong to weights that stay as they are. `installed` says that others have taken their place.
    """

    pristine: int
    """Where the pristine weight lies in memory."""
    packed: dict[tuple[int, int], Tensor]
    """Packed weights by place and version of the weight they were made from."""
    mixed: tuple[int, int]
    """Place and version of the mix that is on, or was last."""
    uses: int
    """How often that mix has been used without being packed."""

    def begin(self) -> None:
        """Take the weight as it stands for the pristine one."""
        self.pristine, self.packed, self.mixed, self.uses = self.weight.data_ptr(), {}, (0, 0), 0

    def installed(self, weight: Tensor) -> None:
        """Note that this weight is on: pristine, or a mix (told apart from earlier ones in its place by its version)."""
        at = (weight.data_ptr(), weight._version)  # noqa: SLF001 torch's own count of writes, which has no other name
        if at[0] != self.pristine and at != self.mixed:
            self.packed.pop(self.mixed, None)
            self.mixed, self.uses = at, 0

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        usual = torch.compiler.is_compiling() or weight.dtype is not torch.bfloat16
        packed = None if usual else self._packed(input, weight)
        output: Tensor
        if packed is None:
            output = super()._conv_forward(input, weight, bias)
            return output
        output = torch.ops.mkldnn._convolution_pointwise(  # noqa: SLF001 what torch's own compiler calls
            input, packed, bias, self.padding, self.stride, self.dilation, self.groups, "none", [], ""
        )
        return output

    def _packed(self, input: Tensor, weight: Tensor) -> Tensor | None:
        place = weight.data_ptr()
        key = (place, 0) if place == self.pristine else self.mixed
        if key in self.packed or place != key[0]:
            return self.packed.get(key) if place == key[0] else None
        if place != self.pristine:
            self.uses += 1
            if self.uses == 1:
                return None
        reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight  # noqa: SLF001 as above
        self.packed[key] = reorder(
            weight.detach().to_mkldnn(),
            list(self.padding),
            list(self.stride),
            list(self.dilation),
            self.groups,
            list(input.shape),
        )
        return self.packed[key]


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
