"""Real pictures in drawn amounts of looks: what the style detector learns from. No generated adapter picture is in here.

Pictures come in pairs: the same emoji in the same place on the same paper, where one look has another amount. So the
detector can be taught what changes when nothing but a look does.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.colours import COLOURS
from training.latents import jittered
from training.recolour import RECOLOURS
from training.wardrobe import NAMES, Wardrobe

APART = (
    {"night_sky", "line_art"},
    {"night_sky", "sepia"},
    {"high_contrast", "line_art"},
    {"high_contrast", "night_sky"},
    {"sepia", "warm_cold"},
)
"""Pairs of looks that are not mixed: one hides the other."""

DRAW_WEIGHTS = {"pixel_art": 1.5}
"""Looks that are harder to tell are drawn more often; the others weigh 1."""

PLAIN_SHARE, SINGLE_SHARE, FULL_SHARE, COLD_SHARE = 0.15, 0.55, 0.4, 0.35
RECOLOURED_SHARE, WHITE_SHARE = 0.15, 0.65

LEAST_STEP = 0.15
"""How far the amounts of a pair are apart at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixtures:
    """Pictures (N, 3, 128, 128) in 0..1, how much of each look they show (N, 8), and their emoji; rows 2k and 2k + 1 pair.

    An amount that nobody knows is NaN.
    """

    pictures: Tensor
    amounts: Tensor
    rows: list[int]


def joined(*parts: Mixtures) -> Mixtures:
    """All pairs of several in one."""
    return Mixtures(
        pictures=torch.cat([one.pictures for one in parts]),
        amounts=torch.cat([one.amounts for one in parts]),
        rows=[row for one in parts for row in one.rows],
    )


def draw_amounts(count: int, rng: random.Random, looks: Sequence[str] = NAMES) -> Tensor:
    """Amounts (count, 8) of some looks: nothing, one look in any amount, or two looks that go together."""
    pairs = [{a, b} for a in looks for b in looks if a < b and {a, b} not in APART]
    amounts = torch.zeros(count, len(NAMES))
    for row in amounts:
        roll = rng.random()
        if roll < PLAIN_SHARE:
            continue
        single = roll < PLAIN_SHARE + SINGLE_SHARE
        chosen = {_draw_look(rng, looks)} if single else rng.choice(pairs)
        for name in sorted(chosen):
            partial = rng.uniform(0, 1) if single else rng.uniform(0.4, 1)
            amount = 1.0 if rng.random() < FULL_SHARE else partial
            cold = name == "warm_cold" and rng.random() < COLD_SHARE
            row[NAMES.index(name)] = -amount if cold else amount
    return amounts


def other_amounts(amounts: Tensor, rng: random.Random, looks: Sequence[str] = NAMES) -> Tensor:
    """Amounts that differ from (N, 8) in one look each: in one that is there, or in any of ``looks`` where none is."""
    others = amounts.clone()
    for row in others:
        there = [k for k, amount in enumerate(row.tolist()) if amount]
        k = rng.choice(there) if there else NAMES.index(_draw_look(rng, looks))
        sign = -1.0 if float(row[k]) < 0 else 1.0
        amount = abs(float(row[k]))
        away = [part for part in ((0.0, amount - LEAST_STEP), (amount + LEAST_STEP, 1.0)) if part[0] <= part[1]]
        low, high = rng.choice(away)
        row[k] = sign * rng.uniform(low, high)
    return others


def _draw_look(rng: random.Random, looks: Sequence[str]) -> str:
    return rng.choices(looks, [DRAW_WEIGHTS.get(name, 1.0) for name in looks])[0]


def draw(wardrobe: Wardrobe, rows: list[int], rng: random.Random) -> Mixtures:
    """A pair of every emoji in the list, in drawn amounts, on white or a colour, some repainted."""
    first = draw_amounts(len(rows), rng)
    second = other_amounts(first, rng)
    papers = torch.cat(
        [torch.ones(1, 3) if rng.random() < WHITE_SHARE else jittered(rng.choice(list(COLOURS)), 1, rng) for _ in rows]
    )
    words = [rng.choice(RECOLOURS) if rng.random() < RECOLOURED_SHARE else "" for _ in rows]
    seed = rng.randrange(2**31)
    pictures = [
        wardrobe.dress(rows, amounts, papers, words=words, generator=torch.Generator().manual_seed(seed))
        for amounts in (first, second)
    ]
    return Mixtures(
        pictures=torch.stack(pictures, 1).flatten(0, 1),
        amounts=torch.stack([first, second], 1).flatten(0, 1),
        rows=[row for row in rows for _ in range(2)],
    )
