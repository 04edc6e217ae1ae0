"""Pictures enlarged by a network, in overlapping tiles, and brought to the size that was asked for."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lora_mixer.errors import RenderError
from lora_mixer.kernels import ran_out, release_memory
from lora_mixer.render_options import LEAST_TILE
from lora_mixer.upscalers.network import UpscalingNetwork

TILE, OVERLAP = 192, 24
"""Sides of a tile and of what neighbours share, in pixels before enlarging."""

_MOST_PASSES = 3
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile that was enlarged.

    Attributes:
        done: How many are.
        of: How many there are, of all pictures.
        side: The side of the tiles, in pixels before enlarging.
    """

    done: int
    of: int
    side: int


class Enlarged(NamedTuple):
    """Pictures at their new size, uint8 (n, H, W, 3), and the side of the tiles they were enlarged in at last."""

    pictures: Tensor
    tile: int


def enlarge(
    network: UpscalingNetwork, pictures: Tensor, *, height: int, width: int, tile: int = TILE
) -> Generator[Tile, None, Enlarged]:
    """Yield after every tile; return pictures, uint8 (n, H, W, 3) on the CPU, at another size.

    As in A1111, the network is run until the picture is at least as large as asked, at most three times, and the rest
    is Lanczos'. Every picture goes through the network by itself, so none depends on its neighbours. Close the iterator to
    stop between two tiles. Where memory runs out, the sides of the tiles are halved, down to `LEAST_TILE`.

    Args:
        network: What enlarges.
        pictures: The pictures, uint8 (n, h, w, 3).
        height: Theirs afterwards, in pixels.
        width: Likewise.
        tile: The side of a tile, in pixels of the picture before; memory grows with its square.

    Raises:
        RenderError: The network's picture is not finite.
        MemoryError, RuntimeError: There is no memory even for the smallest tile.
    """
    made: list[Tensor] = []
    for index, picture in enumerate(pictures):
        while True:
            try:
                tiles = _one(network, picture, (height, width), tile)
                made.append((yield from counted(tiles, index, len(pictures))))
                break
            except (MemoryError, RuntimeError) as error:
                if tile <= LEAST_TILE or not network.tiles or not ran_out(error):
                    raise
            tile = max(tile // 2, LEAST_TILE)
            release_memory()  # only here, since the failure references what it was computing
    return Enlarged(torch.stack(made), tile)


def counted(tiles: Generator[Tile, None, Made], index: int, pictures: int) -> Generator[Tile, None, Made]:
    """Yield a picture's tiles, counted over all pictures; return what becomes of them."""
    while True:
        try:
            tile = next(tiles)
        except StopIteration as end:
            made: Made = end.value
            return made
        yield replace(tile, done=index * tile.of + tile.done, of=pictures * tile.of)


def _one(network: UpscalingNetwork, picture: Tensor, size: tuple[int, int], tile: int) -> Generator[Tile, None, Tensor]:
    values = picture.permute(2, 0, 1).float() / 255
    sizes = list(_sizes((values.shape[1], values.shape[2]), size, network.scale))
    counts = [len(_grid(*sides, tile if network.tiles else max(sides))) for sides in sizes]
    for index in range(len(sizes)):
        done = sum(counts[:index])
        values = yield from _through(network, values, tile, done, sum(counts))
    pixels = (values.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    if pixels.shape[:2] == size:
        return pixels
    resized = Image.fromarray(pixels.numpy()).resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(resized))


def _sizes(sides: tuple[int, int], wanted: tuple[int, int], scale: int) -> Iterator[tuple[int, int]]:
    """Yield the (height, width) of a picture each time it goes through a network."""
    for _ in range(1 if scale == 1 else _MOST_PASSES):
        yield sides
        sides = sides[0] * scale, sides[1] * scale
        if sides[0] >= wanted[0] and sides[1] >= wanted[1]:
            return


def _through(
    network: UpscalingNetwork, values: Tensor, tile: int, done: int, total: int
) -> Generator[Tile, None, Tensor]:
    """Return a picture (3, h, w) through the network once, its tiles faded into each other."""
    _, height, width = values.shape
    scale, side = network.scale, tile if network.tiles else max(height, width)
    large = torch.zeros(3, height * scale, width * scale)
    weight = torch.zeros(1, height * scale, width * scale)
    for count, (row, column) in enumerate(_grid(height, width, side), 1):
        part = _run(network, values[:, row, column])
        share = _share(row, height, scale)[:, None] * _share(column, width, scale)
        place = (slice(None), _scaled(row, scale), _scaled(column, scale))
        large[place] += part * share
        weight[place] += share
        yield Tile(done=done + count, of=total, side=side)
    return large / weight


def _grid(height: int, width: int, side: int) -> list[tuple[slice, slice]]:
    return list(product(_spans(height, side), _spans(width, side)))


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
