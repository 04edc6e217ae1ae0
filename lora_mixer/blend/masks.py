"""Masks: where in the picture an adapter acts, as a factor for every resolution the denoiser works at.

A mask is a picture of shares, 0 (the adapter is off) to 1 (it acts in full), on cells between given edges. At another
resolution each cell holds the exact share of its area: M' = R M C^T with R, C the overlaps of the cells' sides. Nothing
aliases, and the mean over the picture is the same at every resolution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lora_mixer.errors import MissingFileError
from lora_mixer.images import load_pixels
from lora_mixer.images.drawn_masks import pixels_of
from lora_mixer.places import CenterCrop, DrawnMask, Rectangle, check_rectangle

KEPT = 32
BAND = 256  # rows
NEXT_TO_NOTHING = 1e-9
"""What is left of a share where fractions that add up to 1 were summed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mask:
    """Shares (rows, columns) on cells whose edges are fractions of the picture's height and width."""

    shares: Tensor  # (rows, columns), 0..1; or (rows, columns, 2) bytes, light and opacity, whose product they are
    rows: Tensor  # (rows + 1,)
    columns: Tensor  # (columns + 1,)

    def at(self, height: int, width: int) -> Tensor:
        """Return the mask on height x width equal cells, in float64."""
        return _resized(self, height, width)

    def cropped(self, crop: CenterCrop | None) -> Mask:
        """Return what a crop of the picture keeps of it; None: all."""
        return self if crop is None else _cropped(self, crop)

    @property
    def everything(self) -> bool:
        """Whether it acts in full everywhere."""
        return self.mean > 1.0 - NEXT_TO_NOTHING

    @property
    def mean(self) -> float:
        """The share of the picture the adapter acts on."""
        return float(self.at(1, 1))


def open_mask(source: Rectangle | DrawnMask | Path) -> Mask:
    """Return a mask from a rectangle in fractions, or from a picture: white acts, black and transparent do not.

    Raises:
        RequestError: The rectangle has no area in the picture.
        FileError: The picture cannot be read.
    """
    if isinstance(source, Rectangle):
        return _of_rectangle(source)
    if isinstance(source, DrawnMask):
        return _of_drawn(source)
    try:
        stamp = source.stat()
    except (OSError, ValueError) as error:
        raise MissingFileError("the mask is not there", where=str(source)) from error
    return _of_picture(source, stamp.st_mtime_ns, stamp.st_size)


def even_mask(shares: Tensor) -> Mask:
    """Return a mask on equal cells."""
    return Mask(shares=shares, rows=_even(shares.shape[0]), columns=_even(shares.shape[1]))


def levels(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield the sizes a latent takes on its way down a denoiser: halves, rounded up, to a single cell.

    >>> list(levels(6, 4))
    [(6, 4), (3, 2), (2, 1), (1, 1)]
    """
    yield height, width
    while max(height, width) > 1:
        height, width = (height + 1) // 2, (width + 1) // 2
        yield height, width


@lru_cache(maxsize=KEPT)
def _of_rectangle(area: Rectangle) -> Mask:
    check_rectangle(area)
    return Mask(
        shares=torch.ones(1, 1, dtype=torch.float64),
        rows=torch.tensor([area.top, area.bottom], dtype=torch.float64),
        columns=torch.tensor([area.left, area.right], dtype=torch.float64),
    )


@lru_cache(maxsize=KEPT)
def _of_picture(path: Path, _mtime_ns: int, _size: int) -> Mask:
    return even_mask(torch.from_numpy(np.array(load_pixels(path, "LA"))))


@lru_cache(maxsize=KEPT)
def _of_drawn(mask: DrawnMask) -> Mask:
    return even_mask(torch.from_numpy(np.array(pixels_of(mask))))


@lru_cache(maxsize=KEPT)
def _cropped(mask: Mask, crop: CenterCrop) -> Mask:
    edges = zip((mask.rows, mask.columns), crop.whole, crop.kept, crop.corner, strict=True)
    rows, columns = ((along * whole - corner) / kept for along, whole, kept, corner in edges)
    return Mask(shares=mask.shares, rows=rows, columns=columns)


@lru_cache(maxsize=16 * KEPT)
def _resized(mask: Mask, height: int, width: int) -> Tensor:
    rows = _overlaps(height, mask.rows)
    # In bands: a large picture in float64 would take many times its memory.
    stacked = (rows[:, band] @ _shares(mask.shares[band]) for band in _bands(len(mask.shares)))
    return reduce(torch.add, stacked) @ _overlaps(width, mask.columns).T


def _bands(rows: int) -> Iterator[slice]:
    return (slice(start, start + BAND) for start in range(0, rows, BAND))


def _shares(part: Tensor) -> Tensor:
    if part.ndim == 2:
        return part
    light, opaque = part.double().div_(255.0).unbind(-1)
    return light * opaque


def _even(cells: int) -> Tensor:
    return torch.arange(cells + 1, dtype=torch.float64) / cells


def _overlaps(cells: int, edges: Tensor) -> Tensor:
    """Return (cells, len(edges) - 1): how much of each of `cells` equal cells lies between neighbouring edges."""
    grid = _even(cells)
    low = torch.maximum(grid[:-1, None], edges[None, :-1])
    high = torch.minimum(grid[1:, None], edges[None, 1:])
    return (high - low).clamp(min=0.0) * cells
