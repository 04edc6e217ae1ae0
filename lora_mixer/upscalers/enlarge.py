"""Pictures enlarged by a network, in overlapping tiles, and brought to the size that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lora_mixer.errors import RenderError
from lora_mixer.upscalers.network import UpscalingNetwork

TILE, OVERLAP = 192, 24
"""Sides of a tile and of what neighbours share, in pixels before enlarging."""

_MOST_PASSES = 3


def enlarge(
    network: UpscalingNetwork,
    pictures: Tensor,
    *,
    height: int,
    width: int,
    tile: int = TILE,
    on_tile: Callable[[int, int], None] | None = None,
) -> Tensor:
    """Return pictures, uint8 (n, H, W, 3) on the CPU, at another size.

    As in A1111, the network is run until the picture is at least as large as asked, at most three times, and the rest
    is Lanczos'. Every picture goes through the network by itself, so none depends on its neighbours.

    Args:
        network: What enlarges.
        pictures: The pictures, uint8 (n, h, w, 3).
        height: Theirs afterwards, in pixels.
        width: Likewise.
        tile: The side of a tile, in pixels of the picture before; memory grows with its square.
        on_tile: Told after every tile how many are done, and how many there are; may raise to stop.

    Raises:
        RenderError: The network's picture is not finite.
    """
    return torch.stack([_one(network, picture, (height, width), tile, on_tile) for picture in pictures])


def _one(
    network: UpscalingNetwork,
    picture: Tensor,
    size: tuple[int, int],
    tile: int,
    on_tile: Callable[[int, int], None] | None,
) -> Tensor:
    values = picture.permute(2, 0, 1).float() / 255
    for _ in range(_MOST_PASSES):
        values = _through(network, values, tile, on_tile)
        if network.scale == 1 or (values.shape[1] >= size[0] and values.shape[2] >= size[1]):
            break
    pixels = (values.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    if pixels.shape[:2] == size:
        return pixels
    resized = Image.fromarray(pixels.numpy()).resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(resized))


def _through(
    network: UpscalingNetwork, values: Tensor, tile: int, on_tile: Callable[[int, int], None] | None
) -> Tensor:
    """Return a picture (3, h, w) through the network once, its tiles faded into each other."""
    _, height, width = values.shape
    scale, side = network.scale, tile if network.tiles else max(height, width)
    rows, columns = list(_spans(height, side)), list(_spans(width, side))
    total = torch.zeros(3, height * scale, width * scale)
    weight = torch.zeros(1, height * scale, width * scale)
    for done, (row, column) in enumerate(product(rows, columns), 1):
        part = _run(network, values[:, row, column])
        share = _share(row, height, scale)[:, None] * _share(column, width, scale)
        place = (slice(None), _scaled(row, scale), _scaled(column, scale))
        total[place] += part * share
        weight[place] += share
        if on_tile is not None:
            on_tile(done, len(rows) * len(columns))
    return total / weight


def _run(network: UpscalingNetwork, part: Tensor) -> Tensor:
    with torch.inference_mode():
        made = network.forward(part[None].to(network.device, network.dtype))[0].float().cpu()
    if not made.isfinite().all():
        raise RenderError(
            f"the upscaler {network.path.stem} gives a picture that is not finite",
            where=str(network.path),
            remedy="Choose another upscaler.",
        )
    return made


def _spans(length: int, tile: int) -> Iterator[slice]:
    """Yield the tiles along a side, evenly spread, so that neighbours share `OVERLAP` pixels or more."""
    count = 1 if length <= tile else -(-(length - OVERLAP) // (tile - OVERLAP))
    for i in range(count):
        start = i * (length - tile) // (count - 1) if count > 1 else 0
        yield slice(start, min(start + tile, length))


def _scaled(span: slice, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)


def _share(span: slice, length: int, scale: int) -> Tensor:
    """Return how much a tile counts along a side of the enlarged picture.

    Where it was cut, half of the overlap counts nothing, since the network saw no neighbours there; over the other half
    its share rises to 1.
    """
    blend = OVERLAP * scale / 2
    place = torch.arange((span.stop - span.start) * scale, dtype=torch.float32) + 0.5
    share = torch.ones_like(place)
    if span.start > 0:
        share = torch.minimum(share, ((place - blend) / blend).clamp(0, 1))
    if span.stop < length:
        share = torch.minimum(share, ((len(place) - place - blend) / blend).clamp(0, 1))
    return share
