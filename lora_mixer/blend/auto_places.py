"""Automatic places: which part of a picture each of several things takes up, from what attention heard and saw.

FreeFuse (arXiv:2510.23515; its Apache-2.0 code was read, this is our own): for each thing, how strongly every place listens to its
words, contrasted with the others, names the places it surely takes; self-attention's output there, compared with that of all
places, grows them; a balanced argmax makes disjoint masks. Other than there, features are compared by their cosine, and what
nobody's words are heard in is the background, which is grown alike; and a thing is in one piece (`pieces`), though its nose may be
like the other one's.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from lora_mixer.blend.pieces import in_one_piece

CORE = 0.1
"""The share of places that are surely a thing's."""

BACKGROUND = 0.95
"""A place is a thing's if it is this much as like it as like the background."""

RIM = 1 / 8
"""How far a mask goes beyond its thing, as a share of the shorter side."""

ROUNDS, PACE, NEIGHBOURS = 15, 0.02, 0.25
"""Rounds of the balanced argmax; how far each moves a thing's bias; how much a place hears its neighbours."""


def find_masks(heard: Tensor, seen: Tensor, size: tuple[int, int]) -> Tensor:
    """Return disjoint masks, (things, height, width) of 0 and 1.

    Args:
        heard: How strongly each place listens to each thing's words, (things, places).
        seen: What self-attention saw at each place, (places, channels).
        size: Height and width of the places.
    """
    heard, features = heard.double(), F.normalize(seen.double(), dim=-1)
    things = _scaled(_grown(contrasted(heard), features))
    rest = _scaled(_grown(-_scaled(heard).sum(0, keepdim=True), features))
    owners = _balanced(things, size)
    taken = things.amax(0) >= BACKGROUND * rest[0]
    masks = torch.stack([(owners == thing) & taken for thing in range(len(things))])
    return in_one_piece(_cleaned(masks.view(len(things), *size).double()))


def with_rims(masks: Tensor) -> Tensor:
    """Return disjoint masks (things, height, width) with what lies around each thing and is nobody's.

    Contours, light and paper lie there: without it a look is seen in half of the pictures of two things alone (docs/blending.md).
    A place as near to two things stays nobody's.
    """
    for _ in range(max(1, round(min(masks.shape[1:]) * RIM))):
        near = F.max_pool2d(masks.unsqueeze(1), 3, stride=1, padding=1).squeeze(1)
        masks = masks + near * ((masks.sum(0) == 0) & (near.sum(0) == 1))
    return masks


def contrasted(heard: Tensor) -> Tensor:
    """Return n a_i - sum of the other a_j: what is heard of each thing and not of others."""
    return (len(heard) + 1) * heard - heard.sum(0)


def _grown(scores: Tensor, features: Tensor) -> Tensor:
    """Return how like each place is to the places of the highest scores, (things, places)."""
    core = scores.topk(max(int(CORE * scores.shape[1]), 1), dim=1).indices
    return features[core].mean(1) @ features.T


def _scaled(maps: Tensor) -> Tensor:
    low, high = maps.amin(1, keepdim=True), maps.amax(1, keepdim=True)
    return (maps - low) / (high - low).clamp(min=1e-12)


def _balanced(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Return whose each place is, such that things take up parts of like size and neighbours go together."""
    things, places = maps.shape
    bias = torch.zeros(things, 1, dtype=maps.dtype, device=maps.device)
    around = F.avg_pool2d(maps.view(1, things, *size), 3, stride=1, padding=1, count_include_pad=False)
    scores = (1 - NEIGHBOURS) * maps + NEIGHBOURS * around.view(things, places)
    for step in range(ROUNDS):
        counts = F.one_hot((scores - bias).argmax(0), things).sum(0).unsqueeze(1)
        bias = bias + PACE * 0.95**step * torch.sign(counts - places / things)
    return (scores - bias).argmax(0)


def _cleaned(masks: Tensor) -> Tensor:
    """Return masks without lone places: those that most of their surroundings do not share."""
    near = F.avg_pool2d(masks.unsqueeze(1), 3, stride=1, padding=1, count_include_pad=False).squeeze(1)
    return torch.where(masks > 0, (near > 0.25).double(), ((near > 0.75) & (masks.sum(0) == 0)).double())
