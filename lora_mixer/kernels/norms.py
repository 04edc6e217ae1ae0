"""Group normalisation of small pictures (Wu and He 2018, arXiv:1803.08494, eq. 7).

In half precision, below 1024 positions, torch's channels-last kernel takes the same time per group and position however
few channels a group has. With thin groups it is several times faster to use the other kernel and copy twice; both
accumulate in float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from lora_mixer.kernels.swaps import Swap, class_swaps

PLACES = 1024
"""From this many positions torch's kernel switches algorithm and is fast."""
THIN = 20
"""Groups of fewer channels than these are thin."""


class ThinGroupNorm(nn.GroupNorm):
    """A group normalisation that preserves its input's layout."""

    def forward(self, input: Tensor) -> Tensor:
        """Return pictures (n, c, h, w) with every group of channels normalised."""
        small = input.ndim == 4 and input.shape[2] * input.shape[3] < PLACES
        half = input.device.type == "cpu" and input.dtype is torch.bfloat16
        if not (small and half) or input.is_contiguous() or torch.compiler.is_compiling():
            return super().forward(input)
        normal = F.group_norm(input.contiguous(), self.num_groups, self.weight, self.bias, self.eps)
        return normal.contiguous(memory_format=torch.channels_last)


def norm_swaps(network: nn.Module) -> Sequence[Swap]:
    """Return what lets a network's group normalisations with thin groups take the faster way."""
    thin = (m for m in network.modules() if type(m) is nn.GroupNorm and m.num_channels < THIN * m.num_groups)
    return class_swaps(thin, ThinGroupNorm)
