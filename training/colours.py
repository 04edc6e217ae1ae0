"""Colour words: what each looks like, and which word a picture deserves."""

from __future__ import annotations

import torch
from torch import Tensor

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (221, 46, 68),
    "orange": (244, 129, 32),
    "yellow": (253, 203, 50),
    "green": (67, 160, 71),
    "blue": (52, 120, 225),
    "purple": (142, 60, 190),
    "pink": (245, 120, 180),
    "brown": (140, 88, 50),
    "black": (28, 28, 30),
    "grey": (140, 144, 150),
    "white": (250, 250, 250),
}
"""A typical sRGB value of each colour word, 0..255."""

HUES = {"red": 355.0, "orange": 26.0, "yellow": 48.0, "green": 122.0, "blue": 216.0, "purple": 275.0, "pink": 328.0}
"""Centre of each hue word in degrees."""

NAMES = tuple(COLOURS)


def rgb_to_hsv(pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Hue (degrees), saturation and value (0..1) of (..., 3, H, W) pictures in 0..1; each result is (..., H, W)."""
    red, green, blue = pictures.unbind(-3)
    value, _ = pictures.max(-3)
    low, _ = pictures.min(-3)
    span = (value - low).clamp_min(1e-6)
    hue = torch.where(
        value == red,
        (green - blue) / span % 6,
        torch.where(value == green, (blue - red) / span + 2, (red - green) / span + 4),
    )
    return hue * 60, torch.where(value > low, (value - low) / value.clamp_min(1e-6), 0.0), value


def hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """The inverse of `rgb_to_hsv`: three (..., H, W) planes back to (..., 3, H, W)."""
    sector = hue / 60
    chroma = saturation * value
    planes = [
        value - chroma * (torch.stack([k, 4 - k, torch.ones_like(k)]).amin(0).clamp(0, 1))
        for k in ((sector + n) % 6 for n in (5, 3, 1))
    ]
    return torch.stack(planes, -3)


def classify_pixels(pictures: Tensor) -> Tensor:
    """The index into `NAMES` of every pixel's colour word: (..., 3, H, W) in 0..1 to (..., H, W)."""
    hue, saturation, value = rgb_to_hsv(pictures)
    words = torch.full(hue.shape, NAMES.index("red"))
    for name, low, high in (
        ("orange", 14, 38),
        ("yellow", 38, 68),
        ("green", 68, 168),
        ("blue", 168, 248),
        ("purple", 248, 296),
        ("pink", 296, 345),
    ):
        words = torch.where((hue >= low) & (hue < high), NAMES.index(name), words)
    reddish = (hue < 14) | (hue >= 345)
    words = torch.where(reddish & (saturation < 0.55) & (value > 0.75), NAMES.index("pink"), words)
    warm = (hue < 48) | (hue >= 345)
    words = torch.where(warm & (hue < 48) & (value < 0.68) & (saturation > 0.25), NAMES.index("brown"), words)
    words = torch.where(reddish & (hue >= 345) & (saturation > 0.6) & (value > 0.45), NAMES.index("red"), words)
    words = torch.where(saturation < 0.18, NAMES.index("grey"), words)
    words = torch.where((saturation < 0.12) & (value > 0.87), NAMES.index("white"), words)
    return torch.where((value < 0.28) | ((value < 0.36) & (saturation < 0.3)), NAMES.index("black"), words)


def colour_shares(pictures: Tensor, mask: Tensor) -> Tensor:
    """How much of the masked area each colour word covers: (N, 3, H, W) and (N, H, W) to (N, 11), rows sum to 1."""
    words = classify_pixels(pictures)
    shares = torch.stack([((words == index) * mask).sum((-2, -1)) for index in range(len(NAMES))], -1)
    return shares / mask.sum((-2, -1)).clamp_min(1e-6)[:, None]
