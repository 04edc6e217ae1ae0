"""Give a subject a named colour, so that "blue cat" can be learned although no such emoji exists."""

from __future__ import annotations

import torch
from torch import Tensor

from training.colours import COLOURS, HUES, NAMES, colour_shares, rgb_to_hsv
from training.pixels import rotate_hue
from training.styles import luminance

RECOLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "grey")
"""Colour words a subject is repainted in."""

LIGHTS = {"black": 0.22, "brown": 0.08, "red": 0.15, "orange": 0.3}
"""How far the lightest tint goes towards white, where it isn't 0.45: light red is pink, light brown is orange."""

DARKS = {"red": 0.55, "orange": 0.75, "yellow": 0.6}
"""The darkest shade as a share of the colour, where it isn't 0.35: dark orange and yellow are brown."""

DULL = 0.4
"""Artwork this near to grey shows no colour by turning its hues: a brown bear turned red is still a brown one."""

ENOUGH = {"red": 0.8, "orange": 0.8}
"""Which share must have the named colour after its hues were turned, where it isn't half."""


def main_hue(artwork: Tensor) -> Tensor:
    """The saturation-weighted mean hue in degrees of each piece of artwork: (N, 4, H, W) to (N,)."""
    hue, saturation, value = rgb_to_hsv(artwork[:, :3])
    weight = artwork[:, 3] * saturation * value
    angle = torch.deg2rad(hue)
    return torch.rad2deg(torch.atan2((weight * angle.sin()).sum((1, 2)), (weight * angle.cos()).sum((1, 2)))) % 360


def paint(artwork: Tensor, word: str) -> Tensor:
    """Map the artwork's brightness onto a ramp from near-black over the word's colour to a light tint of it."""
    tone = luminance(artwork[:, :3])
    low, high = (tone.flatten(1).quantile(q, dim=1)[:, None, None, None] for q in (0.02, 0.98))
    tone = ((tone - low) / (high - low).clamp_min(0.15)).clamp(0, 1)
    colour = torch.tensor(COLOURS[word]).float()[:, None, None] / 255
    dark, light = colour * DARKS.get(word, 0.35), colour + (1 - colour) * LIGHTS.get(word, 0.45)
    middle = 0.55
    ramp = torch.where(
        tone < middle,
        dark + (colour - dark) * tone / middle,
        colour + (light - colour) * (tone - middle) / (1 - middle),
    )
    return torch.cat([ramp, artwork[:, 3:]], 1)


def recolour(artwork: Tensor, word: str) -> Tensor:
    """Turn hues where that gives the named colour, and paint over where it doesn't: (N, 4, H, W) to the same."""
    painted = paint(artwork, word)
    if word not in HUES:
        return painted
    turned = rotate_hue(artwork, HUES[word] - main_hue(artwork))
    solid = (turned[:, 3] > 0.5).float()
    share = colour_shares(turned[:, :3], solid)[:, NAMES.index(word)]
    fits = (share > ENOUGH.get(word, 0.5)) & (strength(turned, solid) > DULL)
    return torch.where(fits[:, None, None, None], turned, painted)


def strength(artwork: Tensor, solid: Tensor) -> Tensor:
    """Saturation times value, averaged over what is solid (N, H, W): how far from grey artwork is, (N,)."""
    _, saturation, value = rgb_to_hsv(artwork[:, :3])
    return (saturation * value * solid).sum((1, 2)) / solid.sum((1, 2)).clamp_min(1e-6)


def own_colour(artwork: Tensor, least: float = 0.55) -> list[str]:
    """The colour word that covers at least that share of each subject, or an empty string."""
    shares, words = colour_shares(artwork[:, :3], (artwork[:, 3] > 0.5).float()).max(1)
    return [NAMES[word] if share >= least else "" for share, word in zip(shares.tolist(), words.tolist(), strict=True)]
