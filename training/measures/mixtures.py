"""Real pictures in any amount of any look: what the style detector learns from. No generated adapter picture is in here.

An amount of 0 is the plain picture, 1 the styled one, and what lies between is mixed pixel by pixel, so that an amount means
how much of a look is there. Looks are applied one on the other in a fixed order: artwork set, hat, night, lines, pixels,
sepia, light.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from training.adapters.data import COLD, WARM, hat_of, with_hat
from training.adapters.recipes import RECIPES
from training.colours import COLOURS
from training.latents import jittered, subject_artwork
from training.pixels import composite, place
from training.recolour import RECOLOURS, recolour
from training.styles import line_art, night_sky, pixel_art, sepia

NAMES = tuple(recipe.name for recipe in RECIPES)
"""Columns of an amounts table."""

SETS = {"twemoji_style": "twemoji", "fluent_style": "fluent"}
OPAQUE = {"pixel_art": pixel_art, "sepia": sepia}
APART = (
    {"night_sky", "line_art"},
    {"night_sky", "sepia"},
    {"twemoji_style", "fluent_style"},
    {"sepia", "warm_cold"},
)
"""Pairs of looks that are not mixed: one hides the other."""

PLAIN_SHARE, SINGLE_SHARE, FULL_SHARE, COLD_SHARE = 0.25, 0.45, 0.4, 0.35
RECOLOURED_SHARE, WHITE_SHARE = 0.2, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixtures:
    """Pictures (N, 3, 128, 128) in 0..1, how much of each look they show (N, 8), and their subjects."""

    pictures: Tensor
    amounts: Tensor
    subjects: list[int]


def draw_amounts(count: int, rng: random.Random) -> Tensor:
    """Amounts (count, 8): nothing, one look in any amount, or two looks that go together."""
    pairs = [{a, b} for a in NAMES for b in NAMES if a < b and {a, b} not in APART]
    amounts = torch.zeros(count, len(NAMES))
    for row in amounts:
        roll = rng.random()
        if roll < PLAIN_SHARE:
            continue
        single = roll < PLAIN_SHARE + SINGLE_SHARE
        chosen = {rng.choice(NAMES)} if single else rng.choice(pairs)
        for name in sorted(chosen):
            partial = rng.uniform(0, 1) if single else rng.uniform(0.4, 1)
            amount = 1.0 if rng.random() < FULL_SHARE else partial
            cold = name == "warm_cold" and rng.random() < COLD_SHARE
            row[NAMES.index(name)] = -amount if cold else amount
    return amounts


class Wardrobe:
    """The artwork of all sets, to be dressed in looks."""

    def __init__(self) -> None:
        """Load the artwork."""
        self.noto = subject_artwork("noto")
        self.others = {look: subject_artwork(name) for look, name in SETS.items()}
        self.hat = hat_of(self.noto)

    def draw(self, subjects: list[int], rng: random.Random) -> Mixtures:
        """Dress every subject in the list in drawn amounts, on white or a colour, some repainted."""
        amounts = draw_amounts(len(subjects), rng)
        for look, artwork in self.others.items():
            missing = artwork[subjects, 3].mean((1, 2)) < 0.01
            amounts[missing, NAMES.index(look)] = 0
        papers = [
            torch.ones(1, 3) if rng.random() < WHITE_SHARE else jittered(rng.choice(list(COLOURS)), 1, rng)
            for _ in subjects
        ]
        words = [rng.choice(RECOLOURS) if rng.random() < RECOLOURED_SHARE else "" for _ in subjects]
        generator = torch.Generator().manual_seed(rng.randrange(2**31))
        pictures = self.dress(subjects, amounts, torch.cat(papers), words, generator)
        return Mixtures(pictures=pictures, amounts=amounts, subjects=subjects)

    def dress(
        self, subjects: list[int], amounts: Tensor, papers: Tensor, words: list[str], generator: torch.Generator
    ) -> Tensor:
        """Pictures (N, 3, 128, 128) of subjects with amounts (N, 8), on papers (N, 3), repainted where a word is."""
        share = {name: amounts[:, column, None, None, None] for column, name in enumerate(NAMES)}
        artwork = self.noto[subjects]
        for look, other in self.others.items():
            artwork = mix_artwork(artwork, other[subjects], share[look])
        artwork = place(artwork, generator)
        artwork = torch.cat(
            [recolour(one[None], word) if word else one[None] for one, word in zip(artwork, words, strict=True)]
        )
        hatted = amounts[:, NAMES.index("top_hat")] > 0
        if bool(hatted.any()):
            dressed = with_hat(artwork[hatted], self.hat)
            artwork[hatted] = mix_artwork(artwork[hatted], dressed, share["top_hat"][hatted])
        pictures = composite(artwork, papers)
        pictures = torch.lerp(pictures, night_sky(artwork), share["night_sky"])
        pictures = torch.lerp(pictures, line_art(artwork), share["line_art"])
        for look, style in OPAQUE.items():
            pictures = torch.lerp(pictures, style(opaque(pictures)), share[look])
        light = torch.where(share["warm_cold"] > 0, colour(WARM), colour(COLD))
        return pictures * torch.lerp(torch.ones_like(light), light, share["warm_cold"].abs())


def mix_artwork(plain: Tensor, styled: Tensor, amounts: Tensor) -> Tensor:
    """Fade one piece of artwork (N, 4, H, W) into another, colours weighted by their alpha; amounts (N, 1, 1, 1)."""
    alpha = torch.lerp(plain[:, 3:], styled[:, 3:], amounts)
    colours = torch.lerp(plain[:, :3] * plain[:, 3:], styled[:, :3] * styled[:, 3:], amounts)
    return torch.cat([colours / alpha.clamp_min(1e-4), alpha], 1).clamp(0, 1)


def opaque(pictures: Tensor) -> Tensor:
    """Pictures as artwork without a hole in it."""
    return torch.cat([pictures, torch.ones_like(pictures[:, :1])], 1)


def colour(values: tuple[float, float, float]) -> Tensor:
    """One colour as (1, 3, 1, 1)."""
    return torch.tensor(values)[None, :, None, None]
