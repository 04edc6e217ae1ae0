"""Numbers that describe pictures, and the small linear classifiers on them that detect a style."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.colours import NAMES, colour_shares
from training.pixels import blocks, blur
from training.styles import luminance


def describe(pictures: Tensor) -> Tensor:
    """Features (N, D) of pictures (N, 3, 128, 128): colours, tones, edges at three scales, blockiness, layout."""
    tone = luminance(pictures)
    whole = torch.ones_like(tone[:, 0])
    saturation = pictures.amax(1) - pictures.amin(1)
    parts = [
        colour_shares(pictures, whole),
        pictures.mean((2, 3)),
        pictures.flatten(2).std(2),
        saturation.mean((1, 2))[:, None],
        torch.stack([(tone < level).float().mean((1, 2, 3)) for level in (0.1, 0.3, 0.6, 0.9)], 1),
        torch.stack([(pictures - blur(pictures, f)).abs().mean((1, 2, 3)) for f in (2, 4, 8)], 1),
        torch.stack([(pictures - blocks(pictures, edge)).abs().mean((1, 2, 3)) for edge in (8, 16)], 1),
        edge_energy(pictures)[:, None],
        F.adaptive_avg_pool2d(pictures, 4).flatten(1),
        F.adaptive_avg_pool2d((tone < 0.25).float(), 4).flatten(1),
    ]
    return torch.cat(parts, 1)


def edge_energy(pictures: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels' luma, (N,): what blur lowers."""
    tone = luminance(pictures)
    return tone.diff(dim=-1).abs().mean((1, 2, 3)) + tone.diff(dim=-2).abs().mean((1, 2, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A linear classifier: is the style there?"""

    middle: Tensor
    weight: Tensor

    def score(self, pictures: Tensor) -> Tensor:
        """Log-odds (N,) that the pictures show the style, as far as the features are independent."""
        return (describe(pictures) - self.middle) @ self.weight


def train_detector(without: Tensor, having: Tensor, *, floor: float = 0.02) -> Detector:
    """Fit a diagonal discriminant on pictures without and with the style, (N, 3, H, W) each.

    The weight of a feature is the difference of its class means over its pooled variance (Fisher 1936, off-diagonal
    terms left out): nothing is fitted that could turn round on pictures unlike the examples, as generated ones are.
    """
    plain, styled = describe(without), describe(having)
    variance = (plain.var(0) + styled.var(0)) / 2 + floor**2
    difference = styled.mean(0) - plain.mean(0)
    weight = difference / variance
    return Detector(middle=(plain.mean(0) + styled.mean(0)) / 2, weight=weight / len(weight))


def dominant_colour(pictures: Tensor, *, margin: float = 0.12) -> list[str]:
    """The chromatic word that covers most of each subject on white; black, grey and white are outlines and paper."""
    mask = ((1 - pictures).amax(1) > margin).float()
    shares = colour_shares(pictures, mask)
    for word in ("white", "grey", "black"):
        shares[:, NAMES.index(word)] = -1
    return [NAMES[index] for index in shares.argmax(1).tolist()]
