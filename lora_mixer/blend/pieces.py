"""Masks of things in one piece each: what looks like another thing inside one (a nose, a gem) is a part of it all the same."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def in_one_piece(masks: Tensor) -> Tensor:
    """Return disjoint masks (things, height, width) of 0 and 1 with stray pieces given to the things they lie at.

    The largest piece of a thing is its own. Another one that lies at another thing's largest piece becomes that thing's, the one
    it lies at most; pieces apart from all others stay. What is nobody's and enclosed by one thing alone is its.
    """
    pieces = [sorted(pieces_of(mask > 0), key=lambda piece: -int(piece.sum())) for mask in masks]
    largest = torch.stack(
        [own[0] if own else torch.zeros_like(mask, dtype=torch.bool) for own, mask in zip(pieces, masks, strict=True)]
    )
    whole = masks.clone()
    for thing, own in enumerate(pieces):
        for piece in own[1:]:
            _give(whole, piece, thing, _owner(piece, largest))
    for hole in pieces_of(whole.sum(0) == 0):
        if not _at_the_edge(hole) and (whole[:, _grown(hole)].sum(1) > 0).sum() == 1:
            _give(whole, hole, None, _owner(hole, whole > 0))
    return whole


def pieces_of(mask: Tensor) -> Iterator[Tensor]:
    """Yield the connected parts of a mask (height, width); places are neighbours across corners, too."""
    left = mask.clone()
    while bool(left.any()):
        piece = torch.zeros_like(left)
        piece.view(-1)[int(left.flatten().int().argmax())] = True
        size = 0
        while int(piece.sum()) > size:
            size = int(piece.sum())
            piece = _grown(piece) & left
        yield piece
        left &= ~piece


def _owner(piece: Tensor, things: Tensor) -> int | None:
    """Return whose places a piece lies at most; None if it lies at none, or as much at two."""
    contact = (things & _grown(piece)).flatten(1).sum(1)
    most = contact == contact.max()
    return int(most.int().argmax()) if int(contact.max()) > 0 and int(most.sum()) == 1 else None


def _give(masks: Tensor, piece: Tensor, giver: int | None, taker: int | None) -> None:
    if taker is not None:
        if giver is not None:
            masks[giver][piece] = 0
        masks[taker][piece] = 1


def _grown(mask: Tensor) -> Tensor:
    """Return a mask with the places next to it."""
    return F.max_pool2d(mask[None, None].float(), 3, stride=1, padding=1)[0, 0] > 0


def _at_the_edge(mask: Tensor) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
