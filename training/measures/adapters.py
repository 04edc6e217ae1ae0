"""The adapters: does strength mean strength, and do blends show both looks?"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import torch
from torch import Tensor

from training.adapters.recipes import RECIPES
from training.artwork import load_emoji
from training.captions import names_of
from training.latents import load_subjects
from training.measures.detector import Detector
from training.measures.dressed import STEPS
from training.measures.features import edge_energy
from training.measures.result import Result, share
from training.measures.retrieval import ranks
from training.painter import Painter
from training.styles import on_white
from training.subjects import subject_ids
from training.wardrobe import NAMES, Wardrobe, emoji_artwork
from training.wearing import Wearing

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
BLENDS = (
    ("line_art", "top_hat"),
    ("night_sky", "top_hat"),
    ("sepia", "top_hat"),
    ("pixel_art", "night_sky"),
    ("line_art", "sepia"),
    ("sepia", "pixel_art"),
)
BLEND_STRENGTH = 0.7
HALF = (0.3, 0.7)
"""What of a full look half a strength should show."""
FALSE_ALARM = 0.95
"""A style counts as seen when it scores above this quantile of pictures made without any adapter."""

LOOKS = tuple(recipe for recipe in RECIPES if recipe.look)
JUDGED = tuple(recipe for recipe in LOOKS if recipe.name != "detail")
"""Adapters that the style detector knows: it is taught not to care for crisper edges, as guidance makes them, too."""

HEADS = ("animal", "face", "cat", "monkey")


def detection(detector: Detector) -> list[Result]:
    """How well the style detector does on subjects it was not trained on; told, not barred."""
    shown = {
        "held-out subjects": detector.artwork,
        "the base's pictures of held-out subjects, dressed": detector.painted,
    }
    results = []
    for what, trust in shown.items():
        note = "looks over the 95 % quantile of pictures without them: "
        note += ", ".join(f"{name} {value:.0f}" for name, value in trust.accuracy.items())
        measure = f"style detector on {what}, mean absolute error of the amount"
        results.append(Result(measure=measure, value=trust.error, bar=None, samples=trust.held, note=note))
    return results


def strengths(painter: Painter, worn: Wearing, detector: Detector, count: int = 50) -> list[Result]:
    """How often the style score rises from one strength to the next, over prompts and adapters."""
    results, rises, ends, halves = [], [], [], {}
    plain = {heads: painter.paint(_prompts(count, heads=heads), steps=STEPS) for heads in (False, True)}
    for recipe in JUDGED:
        heads = recipe.name == "top_hat"
        scores = [detector.score(plain[heads], recipe.name)]
        for strength in STRENGTHS[1:]:
            with worn.on({recipe.name: strength}):
                pictures = painter.paint(_prompts(count, heads=heads), steps=STEPS)
            scores.append(detector.score(pictures, recipe.name))
        table = torch.stack(scores)
        up = table.diff(dim=0) > 0
        rises.append(up)
        ends.append(table[-1] > table[0])
        results.append(_rising(recipe.name, table, up))
        halves[recipe.name] = half_of_full(table)
    every, outer = torch.stack(rises), torch.stack(ends)
    return [
        Result(
            measure="style score rises at each step of strength",
            value=_percent(every),
            bar=95,
            samples=every.numel(),
            unit="%",
            note=f"{len(JUDGED)} adapters x {count} prompts x {len(STRENGTHS)} strengths; steps that rise",
        ),
        Result(
            measure="style score higher at 1 than at 0",
            value=_percent(outer),
            bar=95,
            samples=outer.numel(),
            unit="%",
        ),
        _halves(halves),
        *results,
    ]


def half_of_full(table: Tensor) -> float:
    """How much of what strength 1 adds to the mean score half of it adds: scores are (strengths, prompts)."""
    means = table.mean(1)
    middle = means[STRENGTHS.index(0.5)] - means[0]
    return float(middle / (means[-1] - means[0]).clamp_min(1e-6))


def _halves(halves: dict[str, float]) -> Result:
    return Result(
        measure="half a strength is about half a look",
        value=share([HALF[0] <= value <= HALF[1] for value in halves.values()]),
        bar=100,
        samples=len(halves),
        unit="%",
        note=f"adapters between {HALF[0]:g} and {HALF[1]:g}: "
        + ", ".join(f"{name} {value:.2f}" for name, value in halves.items()),
    )


def keeping(painter: Painter, worn: Wearing, count: int = 50) -> list[Result]:
    """Share of pictures at strength 1 whose subject is among the ten nearest of all subjects' artwork in that look."""
    emoji, wardrobe, each = load_emoji(), Wardrobe(), {}
    rows = subject_ids(emoji)
    for recipe in LOOKS:
        chosen = [k for k, row in enumerate(rows) if recipe.name != "top_hat" or emoji[row].subgroup.startswith(HEADS)]
        wanted = random.Random(16).sample(chosen, min(count, len(chosen)))
        amounts = torch.zeros(len(rows), len(NAMES))
        amounts[:, NAMES.index(recipe.name)] = 1
        dressed = wardrobe.dress(rows, amounts, torch.ones(len(rows), 3))
        prompts = [names_of(emoji[rows[k]])[0] for k in wanted]
        with worn.on({recipe.name: 1.0}):
            pictures = painter.paint([f"{name}, {recipe.trigger}".rstrip(", ") for name in prompts], steps=STEPS)
        each[recipe.name] = share([place <= 10 for place in ranks(pictures, dressed, wanted)])
    note = ", ".join(f"{name} {value:.0f}" for name, value in each.items())
    least = min(each.values())
    measure = "a style at 1 keeps the subject among the 10 nearest in that look, the weakest"
    return [Result(measure=measure, value=least, bar=85, samples=count * len(each), unit="%", note=note)]


def _rising(name: str, table: Tensor, up: Tensor) -> Result:
    """The row of one adapter: scores (strengths, prompts), and which steps rise."""
    means = " ".join(f"{float(row.mean()):.2f}" for row in table)
    whole = _percent(up.all(0))
    return Result(
        measure=f"style rises: {name}",
        value=_percent(up),
        bar=95,
        samples=up.numel(),
        unit="%",
        note=f"mean score {means}; all four steps rise for {whole:.0f} % of prompts",
    )


def blends(painter: Painter, worn: Wearing, detector: Detector, count: int = 14) -> list[Result]:
    """Share of blends at 0.7 + 0.7 in which both looks are detected."""
    prompts = _prompts(count, heads=True)
    plain = painter.paint(_prompts(4 * count, heads=True), steps=STEPS)
    floor = {
        name: float(detector.score(plain, name).quantile(FALSE_ALARM))
        for name in dict.fromkeys(itertools.chain(*BLENDS))
    }
    results, every = [], []
    for pair in BLENDS:
        with worn.on(dict.fromkeys(pair, BLEND_STRENGTH)):
            pictures = painter.paint(prompts, steps=STEPS)
        seen = torch.stack([detector.score(pictures, name) > floor[name] for name in pair])
        both = seen.all(0)
        every += both.tolist()
        note = ", ".join(f"{name} {_percent(row):.0f} %" for name, row in zip(pair, seen, strict=True))
        results.append(
            Result(
                measure=f"both seen: {pair[0]} + {pair[1]}",
                value=share(both.tolist()),
                bar=85,
                samples=count,
                unit="%",
                note=note,
            )
        )
    note = f"seen: over the {100 * FALSE_ALARM:.0f} % quantile of {len(plain)} pictures made without adapters"
    total = Result(
        measure="both looks detected in blends", value=share(every), bar=90, samples=len(every), unit="%", note=note
    )
    return [total, *results]


def sliders(painter: Painter, worn: Wearing, count: int = 20) -> list[Result]:
    """How often what a slider means rises from strength -1 over -0.5, 0 and 0.5 to 1."""
    return [
        _slider(
            painter, worn, "warm_cold", "warmth", "red minus blue", lambda p: (p[:, 0] - p[:, 2]).mean((1, 2)), count
        ),
        _slider(painter, worn, "detail", "detail", "edge energy", edge_energy, count),
    ]


def _slider(
    painter: Painter, worn: Wearing, name: str, meaning: str, measured: str, of: Callable[[Tensor], Tensor], count: int
) -> Result:
    prompts, rows = _prompts(count, heads=False), []
    for strength in (-1.0, -0.5, 0.0, 0.5, 1.0):
        with worn.on({name: strength}):
            rows.append(of(painter.paint(prompts, steps=STEPS)))
    up = torch.stack(rows).diff(dim=0) > 0
    return Result(
        measure=f"{name}: {meaning} rises from -1 to 1",
        value=_percent(up),
        bar=95,
        samples=up.numel(),
        unit="%",
        note=f"mean {measured} " + " ".join(f"{float(row.mean()):.3f}" for row in rows),
    )


def few_steps(painter: Painter, worn: Wearing, count: int = 100) -> list[Result]:
    """Whether four steps with the few-step adapter draw what twenty draw without it."""
    emoji = load_emoji()
    rows = subject_ids(emoji)
    artwork = on_white(emoji_artwork("noto", rows))
    wanted = random.Random(18).sample(range(len(rows)), min(count, len(rows)))
    prompts = [names_of(emoji[rows[k]])[0] for k in wanted]
    found = {}
    with worn.on({"lcm": 1.0}):
        found["four steps with it"] = painter.paint(prompts, steps=4, leaps=True)
    found["four without"] = painter.paint(prompts, steps=4)
    found["twenty without"] = painter.paint(prompts, steps=20)
    right = {name: share([place <= 10 for place in ranks(p, artwork, wanted)]) for name, p in found.items()}
    edges = {name: float(edge_energy(p).mean()) for name, p in found.items()}
    return [
        Result(
            measure="lcm: right subject among the 10 nearest after four steps",
            value=right["four steps with it"],
            bar=85,
            samples=len(wanted),
            unit="%",
            note=", ".join(f"{name} {value:.0f} %, edges {edges[name]:.3f}" for name, value in right.items()),
        )
    ]


def _percent(hits: Tensor) -> float:
    return 100 * float(hits.float().mean())


def _prompts(count: int, *, heads: bool) -> list[str]:
    emoji = load_subjects()
    names = [names_of(one)[0] for one in emoji if not heads or one.subgroup.startswith(HEADS)]
    mixed = random.Random(15).sample(names, min(count, len(names)))
    return list(itertools.islice(itertools.cycle(mixed), count))
