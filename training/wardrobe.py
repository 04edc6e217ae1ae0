"""Real artwork in any amount of any look: what adapters are trained on, and what the style detector learns from.

An amount of 0 is the plain picture, 1 the styled one, and what lies between is mixed pixel by pixel, so that an amount means
how much of a look is there; a hat grows opaque. Looks are applied one on the other in a fixed order: hat, shine, night, lines, two
tones, pixels, sepia, detail, light.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.adapters.recipes import RECIPES
from training.artwork import SIZE, load_emoji, load_pictures
from training.pixels import composite, place, to_artwork
from training.recolour import recolour
from training.styles import blurred, high_contrast, line_art, night_sky, on_white, pixel_art, sepia, shaded

NAMES = tuple(recipe.name for recipe in RECIPES if recipe.look)
"""Columns of an amounts table."""

OPAQUE = {"pixel_art": pixel_art, "sepia": sepia}
"""Looks that are made of a finished picture."""

WARM, COLD = (1.0, 0.78, 0.50), (0.55, 0.76, 1.0)
HAT_LABEL = "top hat"
HAT_WIDTH, SUNK = 0.42, 0.1
"""Shares of the picture's edge: the hat, and how deep the head sits in it. The wearer stays as it is: an adapter would have to
move every edge to make room."""

SIGNED = frozenset({"warm_cold", "detail"})
"""Looks that go both ways: an amount below 0 is the opposite."""

CRISP, FINE, SOFT = 1.2, 1.5, 2.5
"""The detail slider: how much of what a blur takes away is added at 1, the radius of that blur, and of the blur at -1; in pixels
of 128."""


def graded(artwork: Tensor, light: tuple[float, float, float]) -> Tensor:
    """The subject on white, all of it under coloured light."""
    return on_white(artwork) * torch.tensor(light)[:, None, None]


def hat_artwork(size: int = SIZE) -> Tensor:
    """The top hat (4, size, size), as the base's set draws it."""
    row = next(row for row, one in enumerate(load_emoji()) if one.label == HAT_LABEL)
    return emoji_artwork("noto", [row], size)[0]


def emoji_artwork(name: str, rows: Sequence[int], size: int = SIZE) -> Tensor:
    """Artwork (N, 4, size, size) of some rows of the list of all emoji in one set."""
    return to_artwork(torch.from_numpy(load_pictures(name, size)[list(rows)]))


def with_hat(artwork: Tensor, hat: Tensor, amounts: Tensor | None = None) -> Tensor:
    """Set the hat (4, H, W) on the highest point of each subject, as opaque as its amount."""
    shares = [1.0] * len(artwork) if amounts is None else amounts.tolist()
    width = round(artwork.shape[-1] * HAT_WIDTH)
    piece = F.interpolate(premultiplied(hat[None]), size=width, mode="area")[0]
    solid = (piece[3].amax(1) > 0.5).nonzero()
    piece = piece[:, int(solid.min()) : int(solid.max()) + 1]
    canvas = premultiplied(artwork)
    for row, share in enumerate(shares):
        y, x = _hat_place(canvas[row, 3] > 0.5, piece.shape[1], width)
        under = canvas[row, :, y : y + piece.shape[1], x : x + width]
        covered = piece * share + under * (1 - piece[3:] * share)
        canvas[row, :, y : y + piece.shape[1], x : x + width] = covered
    return torch.cat([canvas[:, :3] / canvas[:, 3:].clamp_min(1e-4), canvas[:, 3:]], 1).clamp(0, 1)


def _hat_place(solid: Tensor, height: int, width: int) -> tuple[int, int]:
    size = solid.shape[-1]
    top = int(solid.any(1).nonzero().min()) if bool(solid.any()) else size // 2
    columns = solid[top : top + 10].any(0).nonzero().float()
    centre = float(columns.mean()) if len(columns) else size / 2
    y = max(0, top + round(size * SUNK) - height)
    return y, min(max(0, round(centre - width / 2)), size - width)


class Wardrobe:
    """The artwork, rendered at a size, to be dressed in looks."""

    def __init__(self, size: int = SIZE) -> None:
        """Take the hat out."""
        self.size, self.hat = size, hat_artwork(size)

    def dress(
        self,
        rows: Sequence[int],
        amounts: Tensor,
        papers: Tensor,
        *,
        words: Sequence[str] = (),
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Pictures (N, 3, size, size) of emoji with amounts (N, looks) of all looks, on papers (N, 3).

        Args:
            rows: Of the list of all emoji.
            amounts: Columns as in `NAMES`; those in `SIGNED` go below 0.
            papers: Colours behind the emoji.
            words: A colour word for each that is repainted, empty for the others.
            generator: Where given, each emoji is moved and scaled a little.

        """
        artwork = emoji_artwork("noto", rows, self.size)
        if generator is not None:
            artwork = place(artwork, generator)
        if any(words):
            pairs = zip(artwork, words, strict=True)
            artwork = torch.cat([recolour(one[None], word) if word else one[None] for one, word in pairs])
        return self.put_on(artwork, amounts, papers)

    def put_on(self, artwork: Tensor, amounts: Tensor, papers: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) of artwork (N, 4, H, W) on papers (N, 3), in all looks."""
        share: Mapping[str, Tensor] = {name: amounts[:, k, None, None, None] for k, name in enumerate(NAMES)}
        hatted = amounts[:, NAMES.index("top_hat")] > 0
        if bool(hatted.any()):
            artwork = artwork.clone()
            artwork[hatted] = with_hat(artwork[hatted], self.hat, amounts[hatted, NAMES.index("top_hat")])
        shone = torch.lerp(artwork[:, :3], shaded(artwork), share["shiny"])
        artwork = torch.cat([shone, artwork[:, 3:]], 1)
        pictures = composite(artwork, papers)
        pictures = torch.lerp(pictures, night_sky(artwork), share["night_sky"])
        pictures = torch.lerp(pictures, line_art(artwork), share["line_art"])
        pictures = torch.lerp(pictures, high_contrast(artwork), share["high_contrast"])
        for look, style in OPAQUE.items():
            pictures = torch.lerp(pictures, style(opaque(pictures)), share[look])
        pictures = detailed(pictures, share["detail"])
        light = torch.where(share["warm_cold"] > 0, colour(WARM), colour(COLD))
        return pictures * torch.lerp(torch.ones_like(light), light, share["warm_cold"].abs())


def detailed(pictures: Tensor, amounts: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) crisper by an unsharp mask, or softer where the amount (N, 1, 1, 1) is below 0."""
    unit = pictures.shape[-1] / 128
    crisp = (pictures + CRISP * (pictures - blurred(pictures, FINE * unit))).clamp(0, 1)
    other = torch.where(amounts > 0, crisp, blurred(pictures, SOFT * unit))
    return torch.lerp(pictures, other, amounts.abs())


def premultiplied(artwork: Tensor) -> Tensor:
    """Colours times alpha, as they are averaged."""
    return torch.cat([artwork[:, :3] * artwork[:, 3:], artwork[:, 3:]], 1)


def opaque(pictures: Tensor) -> Tensor:
    """Pictures as artwork without a hole in it."""
    return torch.cat([pictures, torch.ones_like(pictures[:, :1])], 1)


def colour(values: tuple[float, float, float]) -> Tensor:
    """One colour as (1, 3, 1, 1)."""
    return torch.tensor(values)[None, :, None, None]
