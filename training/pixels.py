"""From transparent artwork to training pictures: composition, recolouring, degradation. All batched, on tensors.

Pictures are (N, 3, H, W) in 0..1; artwork is (N, 4, H, W), RGB with alpha last, in 0..1, not premultiplied.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.colours import hsv_to_rgb, rgb_to_hsv


def to_artwork(rgba: Tensor) -> Tensor:
    """uint8 (N, H, W, 4) from the renderer to float artwork (N, 4, H, W)."""
    return rgba.permute(0, 3, 1, 2).float() / 255


def in_batches(pictures: Tensor, size: int) -> Iterator[Tensor]:
    """Cut (N, ...) into parts of at most ``size`` rows."""
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]


def composite(artwork: Tensor, background: Tensor) -> Tensor:
    """Lay artwork over a background that is (N, 3), one colour each, or (N, 3, H, W)."""
    if background.dim() == 2:
        background = background[:, :, None, None]
    alpha = artwork[:, 3:]
    return artwork[:, :3] * alpha + background * (1 - alpha)


def place(artwork: Tensor, generator: torch.Generator, *, reach: float = 0.05, shrink: float = 0.12) -> Tensor:
    """Move and scale each piece of artwork a little, so that position isn't learned by heart."""
    count = len(artwork)
    scale = 1 + shrink * torch.rand(count, generator=generator)
    shift = (torch.rand(count, 2, generator=generator) * 2 - 1) * reach
    matrices = torch.zeros(count, 2, 3)
    matrices[:, 0, 0] = matrices[:, 1, 1] = scale
    matrices[:, :, 2] = shift
    premultiplied = torch.cat([artwork[:, :3] * artwork[:, 3:], artwork[:, 3:]], 1)
    grid = F.affine_grid(matrices, list(artwork.shape), align_corners=False)
    moved = F.grid_sample(premultiplied, grid, mode="bilinear", align_corners=False)
    return torch.cat([moved[:, :3] / moved[:, 3:].clamp_min(1e-4), moved[:, 3:]], 1).clamp(0, 1)


def rotate_hue(artwork: Tensor, degrees: Tensor) -> Tensor:
    """Turn the hue of each piece of artwork by its own angle (N,), in degrees; saturation and value stay."""
    hue, saturation, value = rgb_to_hsv(artwork[:, :3])
    turned = hsv_to_rgb((hue + degrees[:, None, None]) % 360, saturation, value)
    return torch.cat([turned, artwork[:, 3:]], 1)


def shrink_to(pictures: Tensor, size: int) -> Tensor:
    """Area-average pictures down to ``size`` pixels a side."""
    return pictures if pictures.shape[-1] == size else F.interpolate(pictures, size=size, mode="area")


def blur(pictures: Tensor, factor: int) -> Tensor:
    """Lose detail by going down ``factor`` times and back up smoothly."""
    size = pictures.shape[-1]
    small = F.interpolate(pictures, size=size // factor, mode="area")
    return F.interpolate(small, size=size, mode="bicubic", align_corners=False).clamp(0, 1)


def blocks(pictures: Tensor, edge: int) -> Tensor:
    """Replace every square of ``edge`` pixels by its mean."""
    small = F.avg_pool2d(pictures, edge)
    return F.interpolate(small, scale_factor=edge, mode="nearest")
