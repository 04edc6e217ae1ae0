"""The procedural styles that adapters are taught: each a function of plain artwork, so it can be measured as well.

A style takes artwork (N, 4, H, W) and returns pictures (N, 3, H, W), both in 0..1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.pixels import blocks, composite

Style = Callable[[Tensor], Tensor]

PIXEL_EDGE = 8
"""Blocks of the pixel-art style: a latent cell each, which the VAE keeps hard."""


def on_white(artwork: Tensor) -> Tensor:
    """The artwork as it is, on white."""
    return composite(artwork, torch.ones(len(artwork), 3))


def luminance(pictures: Tensor) -> Tensor:
    """Rec. 601 luma, (N, 3, H, W) to (N, 1, H, W)."""
    weights = torch.tensor([0.299, 0.587, 0.114])
    return (pictures * weights[:, None, None]).sum(1, keepdim=True)


def line_art(artwork: Tensor) -> Tensor:
    """Black contour lines on white: strong edges of colour and silhouette."""
    return (1 - _contours(artwork)).expand(-1, 3, -1, -1).contiguous()


def high_contrast(artwork: Tensor) -> Tensor:
    """Two tones, as cut in lino: what is dark solid black, the rest white, thick contours."""
    thick = max(1, artwork.shape[-1] // 128)
    lines, tone = _contours(artwork), luminance(on_white(artwork))
    thicker = F.max_pool2d(lines, 2 * thick + 1, stride=1, padding=thick) * ((0.9 - tone) * 8).clamp(0, 1)
    solid = ((0.45 - tone) * 14 + 0.5).clamp(0, 1)
    return (1 - torch.maximum(lines, thicker).maximum(solid)).expand(-1, 3, -1, -1).contiguous()


def _contours(artwork: Tensor) -> Tensor:
    """How much ink (N, 1, H, W) lies where colour or silhouette changes."""
    layers = torch.cat([on_white(artwork), artwork[:, 3:]], 1)
    reach = max(1, artwork.shape[-1] // 128)
    smooth = F.avg_pool2d(F.pad(layers, (reach,) * 4, mode="replicate"), 2 * reach + 1, stride=1)
    across = smooth[..., :, 2 * reach :] - smooth[..., :, : -2 * reach]
    down = smooth[..., 2 * reach :, :] - smooth[..., : -2 * reach, :]
    edge = F.pad(across, (reach, reach, 0, 0)).abs() + F.pad(down, (0, 0, reach, reach)).abs()
    return ((edge.amax(1, keepdim=True) - 0.12) * 7).clamp(0, 1)


def shiny(artwork: Tensor) -> Tensor:
    """Soft, shiny bodies in a light from above left."""
    return on_white(torch.cat([shaded(artwork), artwork[:, 3:]], 1))


def shaded(artwork: Tensor) -> Tensor:
    """The colours (N, 3, H, W) of artwork whose shapes are raised like cushions, lit from above left, and given a gleam."""
    unit = artwork.shape[-1] / 128
    inside = artwork[:, 3:]
    raised = inside * (blurred(inside, 9 * unit) + 0.6 * blurred(inside, 4 * unit))
    tone = blurred(luminance(on_white(artwork)), 2 * unit)
    height = raised + 0.35 * tone * inside
    across = blurred(height.roll(-1, -1) - height.roll(1, -1), unit) * 14 * unit
    down = blurred(height.roll(-1, -2) - height.roll(1, -2), unit) * 14 * unit
    up = (1 + across.square() + down.square()).rsqrt()
    towards = (-across * -0.45 + -down * -0.6 + 0.66) * up
    fall = torch.linspace(0.08, -0.10, artwork.shape[-1])[None, None, :, None]
    colours = blurred(artwork[:, :3] * inside, 1.2 * unit) / blurred(inside, 1.2 * unit).clamp_min(1e-3)
    rich = luminance(colours) + 1.25 * (colours - luminance(colours))
    lit = rich * (0.62 + 0.62 * towards.clamp(0, 1) + fall) + 0.55 * towards.clamp(0, 1) ** 24
    return lit.clamp(0, 1)


def blurred(pictures: Tensor, radius: float) -> Tensor:
    """Pictures (N, C, H, W) under a Gaussian of a radius in pixels, edges going on as they are."""
    reach = max(1, round(3 * radius))
    bell = torch.exp(-(torch.arange(-reach, reach + 1) ** 2) / (2 * radius**2))
    bell = (bell / bell.sum()).to(pictures).expand(pictures.shape[1], 1, -1)
    padded = F.pad(pictures, (reach,) * 4, mode="replicate")
    across = F.conv2d(padded, bell[..., None, :], groups=pictures.shape[1])
    return F.conv2d(across, bell[..., None], groups=pictures.shape[1])


def night_backdrop(count: int, size: int) -> Tensor:
    """A dark blue sky, lighter at the horizon, with scattered stars: (count, 3, size, size)."""
    fade = torch.linspace(0, 1, size)[None, None, :, None]
    top = torch.tensor([0.03, 0.04, 0.16])[None, :, None, None]
    horizon = torch.tensor([0.14, 0.16, 0.42])[None, :, None, None]
    sky = (top + (horizon - top) * fade).expand(count, 3, size, size).clone()
    cell, reach = size // 16, max(1, size // 128)
    generator = torch.Generator().manual_seed(7)
    for _ in range(14):
        y, x = (int(v) for v in torch.randint(0, 16, (2,), generator=generator))
        half = cell // 2
        low, left = y * cell + half - reach, x * cell + half - reach
        sky[:, :, low : low + 3 * reach, left : left + 3 * reach] = 0.95
    return sky


def night_sky(artwork: Tensor) -> Tensor:
    """The subject by moonlight, before a dark blue sky with stars."""
    tint = torch.tensor([0.62, 0.66, 0.92])[None, :, None, None]
    lit = torch.cat([artwork[:, :3] * tint, artwork[:, 3:]], 1)
    return composite(lit, night_backdrop(len(artwork), artwork.shape[-1]))


def pixel_art(artwork: Tensor) -> Tensor:
    """Large square pixels with few tones."""
    coarse = blocks(on_white(artwork), artwork.shape[-1] * PIXEL_EDGE // 128)
    return (coarse * 7).round() / 7


def sepia(artwork: Tensor) -> Tensor:
    """An old photograph: brown tones on cream paper."""
    tone = luminance(on_white(artwork))
    dark, light = torch.tensor([0.20, 0.11, 0.04]), torch.tensor([0.97, 0.88, 0.70])
    return dark[:, None, None] + (light - dark)[:, None, None] * tone


PROCEDURAL: dict[str, Style] = {
    "line_art": line_art,
    "night_sky": night_sky,
    "high_contrast": high_contrast,
    "shiny": shiny,
    "pixel_art": pixel_art,
    "sepia": sepia,
}
"""The procedural styles by adapter name."""
