"""Contact sheets: pictures in a grid with their prompts below, as small PNG files."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor

CAPTION_HEIGHT = 14


def to_image(picture: Tensor) -> Image.Image:
    """One picture (3, H, W) in 0..1 as a PIL image."""
    return Image.fromarray((picture.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


def grid(pictures: Tensor, labels: list[str], columns: int) -> Image.Image:
    """Lay pictures (N, 3, H, W) out in rows of ``columns``, each over its label."""
    height, width = pictures.shape[-2:]
    across, down = width + 2, height + 2 + CAPTION_HEIGHT
    sheet = Image.new("RGB", (columns * across, -(-len(pictures) // columns) * down), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = index % columns * across, index // columns * down
        sheet.paste(to_image(picture), (x, y))
        draw.text((x + 2, y + height + 1), label[:22], fill="black")
    return sheet


def save_small(image: Image.Image, path: Path, colours: int = 256) -> None:
    """Save with a palette: a third of the bytes, and no visible loss at this size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(colours, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
