"""Shares: how much of each place in the picture is a region's, with soft edges and overlaps.

Region r claims a_r(p) = w_r m_r(p): its weight times its mask, whose edge is spread by its feather. Where claims come to more
than 1 they are brought to 1 together, s_r = a_r / max(1, sum a); what is left, 1 - sum s, is the picture's own. Shares add
up to 1 at every place and at every resolution, and do not depend on the order of regions.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from lora_mixer.blend.masks import NEXT_TO_NOTHING, Mask, even_mask, open_mask
from lora_mixer.places import CenterCrop, DrawnMask, Rectangle, RestOfPicture

FINE = 2
"""Cells a side into which a cell of the latent is divided to draw edges."""

KEPT = 64

REST = -1
"""The member that stands for what no region claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Where a region lies, and how strongly it claims that.

    Attributes:
        mask: Its mask; the background is what no other area's mask covers.
        weight: Its claim where the mask is white.
        feather: How far the edge is spread, as a share of the shorter side.
        crop: What is drawn of the picture it lies in; None: all of it.
    """

    mask: Rectangle | DrawnMask | RestOfPicture | Path
    weight: float = 1.0
    feather: float = 0.0
    crop: CenterCrop | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of the picture that belongs to some of several areas.

    Attributes:
        areas: All areas of the picture.
        members: Whose shares are summed: places in `areas`, and `REST`.
        height: Rows of the latent at which edges are drawn.
        width: Its columns.
    """

    areas: tuple[Area, ...]
    members: frozenset[int]
    height: int
    width: int

    @property
    def everything(self) -> bool:
        """Whether nothing of the picture is anybody else's."""
        others = {REST, *range(len(self.areas))} - self.members
        return not others or _most(self, others) < NEXT_TO_NOTHING

    @property
    def nothing(self) -> bool:
        """Whether nothing of the picture is theirs."""
        return _most(self, self.members) < NEXT_TO_NOTHING

    def mask(self) -> Mask:
        """Return it as a mask.

        Raises:
            RequestError, FileError: An area's mask cannot be opened.
        """
        return _mask_of(self)


@lru_cache(maxsize=KEPT)
def _mask_of(share: Share) -> Mask:
    return even_mask(_shares(share)[sorted(share.members)].sum(0))


def _most(share: Share, members: Collection[int]) -> float:
    return float(_shares(share)[sorted(members)].sum(0).max())


def _shares(share: Share) -> Tensor:
    """Return every area's share and, last, the rest, (areas + 1, rows, columns), in float64."""
    return _all_shares(share.areas, FINE * share.height, FINE * share.width)


@lru_cache(maxsize=KEPT)
def _all_shares(areas: tuple[Area, ...], rows: int, columns: int) -> Tensor:
    masks = [_drawn(area, rows, columns) for area in areas]
    covered = sum((mask for mask in masks if mask is not None), torch.zeros(rows, columns, dtype=torch.float64))
    rest = 1.0 - covered.clamp(max=1.0)
    claims = torch.stack(
        [area.weight * (rest if mask is None else mask) for area, mask in zip(areas, masks, strict=True)]
    )
    shares = claims / claims.sum(0).clamp(min=1.0)
    return torch.cat([shares, (1.0 - shares.sum(0, keepdim=True)).clamp(min=0.0)])


def _drawn(area: Area, rows: int, columns: int) -> Tensor | None:
    """Return an area's mask with its soft edge; None for the background, which follows from the others."""
    if isinstance(area.mask, RestOfPicture):
        return None
    shares, feather = open_mask(area.mask), area.feather
    if area.crop is None:
        return _whole(shares, feather, rows, columns)
    (height, width), (high, wide) = area.crop.whole, area.crop.kept
    down, across = rows // high, columns // wide
    top, left = (side * fine for side, fine in zip(area.crop.corner, (down, across), strict=True))
    return _whole(shares, feather, down * height, across * width)[top : top + rows, left : left + columns]


def _whole(mask: Mask, feather: float, rows: int, columns: int) -> Tensor:
    return _spread(mask.at(rows, columns), round(feather * min(rows, columns)))


def _spread(mask: Tensor, cells: int) -> Tensor:
    """Return a mask (h, w) whose edges are ramps `cells` wide: means over squares, the picture's edge drawn out."""
    if cells < 1:
        return mask
    before, after = cells // 2, cells - cells // 2
    padded = F.pad(mask[None, None], (before, after, before, after), mode="replicate")
    return F.avg_pool2d(padded, cells + 1, stride=1)[0, 0].clamp(0.0, 1.0)
