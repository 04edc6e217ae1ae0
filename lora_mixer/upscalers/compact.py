"""Real-ESRGAN's compact network (SRVGGNetCompact): all convolutions at the small size, one shuffle to the large one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

_WEIGHT = re.compile(r"body\.(\d+)\.weight")


class CompactShape(NamedTuple):
    """The numbers a compact network is made of.

    Attributes:
        width: Channels between the layers.
        depth: Convolutions between the first and the last.
        scale: How many times as wide and high its picture is.
    """

    width: int
    depth: int
    scale: int


class Compact(nn.Module):
    """A compact network: what its convolutions find is added to the picture, enlarged without smoothing.

    Source: Wang et al., Real-ESRGAN (arXiv:2107.10833); the form is `SRVGGNetCompact` of its code, with PReLU, and
    modules are called as there, so that its files open as they are.
    """

    def __init__(self, shape: CompactShape) -> None:
        super().__init__()
        width, depth, scale = self.shape = shape
        layers: list[nn.Module] = []
        for given in (3, *(width,) * depth):
            layers += [nn.Conv2d(given, width, 3, padding=1), nn.PReLU(width)]
        self.body = nn.Sequential(*layers, nn.Conv2d(width, 3 * scale * scale, 3, padding=1))
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return pictures (n, 3, h, w), values from 0 to 1, `scale` times as large."""
        found: Tensor = self.shuffle(self.body(pictures))
        return found + interpolate(pictures, scale_factor=float(self.shape.scale), mode="nearest")


def compact_shape(tensors: Mapping[str, Tensor]) -> CompactShape | None:
    """Return the shape of the compact network that these are the weights of; None if they are another network's."""
    places = sorted(int(found[1]) for key in tensors if (found := _WEIGHT.fullmatch(key)))
    if not places or places != list(range(places[-1] + 1)) or len(places) % 2 == 0 or len(places) < 3:
        return None
    first, last = tensors["body.0.weight"], tensors[f"body.{places[-1]}.weight"]
    if first.ndim != 4 or last.ndim != 4:
        return None
    shape = CompactShape(width=first.shape[0], depth=(len(places) - 3) // 2, scale=isqrt(last.shape[0] // 3))
    with torch.device("meta"):
        wanted = {key: value.shape for key, value in Compact(shape).state_dict().items()} if shape.scale else {}
    return shape if wanted == {key: value.shape for key, value in tensors.items()} else None


def build_compact(tensors: Mapping[str, Tensor], shape: CompactShape) -> Compact:
    """Return the network over its weights, in float32."""
    with torch.device("meta"):
        network = Compact(shape)
    network.load_state_dict({key: value.float() for key, value in tensors.items()}, assign=True)
    return network
