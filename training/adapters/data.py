"""What each adapter is shown: latents of the subjects with its look in every amount, with captions.

An adapter is trained at any strength, and the picture it is shown has the look in just that amount: so half the strength
means half the look. Part of the time a finished adapter stands beside it, frozen at `BESIDE`, as in a blend, and the picture
has both looks. On the cold side of the slider strengths and amounts are negative.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.adapters.recipes import Recipe, find_recipe
from training.artwork import load_emoji
from training.captions import Look, caption
from training.colours import COLOURS
from training.latents import encode, jittered
from training.networks import SCALING_FACTOR, Vae
from training.pixels import in_batches
from training.subjects import Emoji, subject_ids
from training.wardrobe import NAMES, SIGNED, Wardrobe

HEADS = ("face", "cat", "monkey", "animal", "person")
HATLESS = frozenset({"paw prints", "feather", "spider web", "pile of poo"})

LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Amounts that are drawn and encoded; what lies between is interpolated in latent space."""

FULL_SHARE, BESIDE_SHARE, OVER_SHARE = 0.3, 0.25, 0.35
"""How often an adapter is trained at full strength, and beside another one if it has any to stand beside; and how often full
strength is more than 1."""

MOST = 1.4
"""The highest strength that is trained: the look is the same as at 1, so that a picture outlives it."""

BESIDE = 0.7
"""The strength of both adapters in a blend."""

LEAST = 0.1
"""The least strength that is trained."""

TRIGGERED = 0.4
"""Share of captions with the trigger."""

CHUNK = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One subject on one paper; ``sign`` is the direction of the strength it is shown at."""

    row: int
    background: str = "white"
    sign: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Latents (N, C, 16, 16) with the look and without any, captions, the strength, and the adapter that stands beside, if any."""

    latents: Tensor
    plain: Tensor
    captions: list[str]
    strength: float
    beside: str = ""


def views(recipe: Recipe) -> list[View]:
    """Every subject that can have the look: on white and on a colour, the slider's on white in either direction."""
    rng, emoji = random.Random(3), load_emoji()
    rows = subject_ids(emoji)
    if recipe.name == "top_hat":
        rows = [row for row in rows if wears_hats(emoji[row])]
    if recipe.name in SIGNED:
        return [View(row=row, sign=sign) for row in rows for sign in (1, -1)]
    colours = [word for word in COLOURS if word != "white"]
    return [View(row=row, background=word) for row in rows for word in ("white", rng.choice(colours))]


def wears_hats(one: Emoji) -> bool:
    """Whether a top hat has a head to sit on."""
    return one.subgroup.startswith(HEADS) and one.label not in HATLESS


class ShownLatents:
    """The encoded pictures of one adapter, drawn in batches of one strength."""

    def __init__(self, recipe: Recipe, vae: Vae) -> None:
        """Draw and encode everything once: every view at every level, and those on white beside every partner."""
        self.recipe, self.emoji = recipe, load_emoji()
        self.views = views(recipe)
        self.light = [k for k, view in enumerate(self.views) if view.background == "white" and view.sign > 0]
        wardrobe, rng = Wardrobe(), random.Random(5)
        papers = torch.ones(len(self.views), 3)
        for k, view in enumerate(self.views):
            if view.background != "white":
                papers[k] = jittered(view.background, 1, rng)
        light = [self.views[k] for k in self.light]
        levels = [{recipe.name: level} for level in LEVELS]
        blends = [shown_at(BESIDE, (recipe, find_recipe(other))) for other in recipe.beside]
        self.levels = torch.stack([_encoded(wardrobe, vae, self.views, papers, one) for one in levels])
        self.blends = [_encoded(wardrobe, vae, light, papers[self.light], one) for one in blends]

    def batch(self, count: int, rng: random.Random) -> Batch:
        """Draw a strength and pictures that show it."""
        if self.blends and rng.random() < BESIDE_SHARE:
            partner = rng.randrange(len(self.blends))
            chosen = rng.choices(range(len(self.light)), k=count)
            rows = [self.light[k] for k in chosen]
            return Batch(
                latents=self.blends[partner][chosen],
                plain=self.levels[0, rows],
                captions=[self._caption(self.views[k], rng) for k in rows],
                strength=BESIDE,
                beside=self.recipe.beside[partner],
            )
        sign = rng.choice(sorted({view.sign for view in self.views}))
        faint = self.recipe.faint
        strength = 1.0 if rng.random() < FULL_SHARE / faint else LEAST + (1 - LEAST) * rng.random() ** faint
        if strength == 1 and rng.random() < OVER_SHARE:
            strength = rng.uniform(1, MOST)
        chosen = rng.choices([k for k, view in enumerate(self.views) if view.sign == sign], k=count)
        return Batch(
            latents=at_amount(self.levels[:, chosen], self.recipe.amount(strength)),
            plain=self.levels[0, chosen],
            captions=[self._caption(self.views[k], rng) for k in chosen],
            strength=sign * strength,
        )

    def _caption(self, view: View, rng: random.Random) -> str:
        words = caption(self.emoji[view.row], Look(background=view.background), rng, empty=0)
        trigger = self.recipe.trigger
        if not (trigger and rng.random() < TRIGGERED):
            return words
        return rng.choice([f"{words}, {trigger}", f"{trigger}, {words}"])


def shown_at(strength: float, recipes: Sequence[Recipe]) -> dict[str, float]:
    """How much a picture shows of the look of each recipe, all at one strength."""
    return {recipe.name: recipe.amount(strength) for recipe in recipes}


def at_amount(levels: Tensor, amount: float) -> Tensor:
    """Latents at an amount in 0..1, between the two levels (5, ...) it lies between."""
    position = amount * (len(LEVELS) - 1)
    below = min(int(position), len(LEVELS) - 2)
    return torch.lerp(levels[below], levels[below + 1], position - below)


def _encoded(wardrobe: Wardrobe, vae: Vae, shown: list[View], papers: Tensor, looks: dict[str, float]) -> Tensor:
    """Scaled latents of views that all have the same looks."""
    amounts = torch.zeros(len(shown), len(NAMES))
    for name, amount in looks.items():
        amounts[:, NAMES.index(name)] = amount
    amounts *= torch.tensor([float(view.sign) for view in shown])[:, None]
    parts = []
    for chunk in in_batches(torch.arange(len(shown)), CHUNK):
        rows = [shown[k].row for k in chunk.tolist()]
        parts.append(encode(vae, wardrobe.dress(rows, amounts[chunk], papers[chunk])))
    return torch.cat(parts) * SCALING_FACTOR
