"""The adapters and the embedding: does strength mean strength, do blends show both, does the negative word help?"""

from __future__ import annotations

import itertools
import random

import torch
from safetensors.torch import load_file
from torch import Tensor

from training.adapters.adapter import Adapter, stacked
from training.adapters.data import show
from training.adapters.read import read_adapter
from training.adapters.recipes import RECIPES
from training.captions import names_of
from training.diffusion import decode
from training.embedding import NAME, encode_embedded
from training.latents import encode, load_subjects, subject_artwork
from training.measures.features import Detector, edge_energy, train_detector
from training.measures.result import Result, share
from training.measures.retrieval import distances
from training.networks import MAX_TOKENS, SCALING_FACTOR
from training.painter import NEGATIVE, Painter
from training.paths import DATA
from training.styles import on_white
from training.tokenizer import END, START

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
BLENDS = (
    ("line_art", "top_hat"),
    ("night_sky", "top_hat"),
    ("sepia", "top_hat"),
    ("pixel_art", "night_sky"),
    ("line_art", "sepia"),
    ("sepia", "pixel_art"),
)
FALSE_ALARM = 0.95
"""A style counts as seen when it scores above this quantile of pictures made without it."""

STEPS = 8
EXAMPLES = 80
"""Real pictures of either class that a detector is trained on."""

HEADS = ("animal", "face", "cat", "monkey")


def open_adapters(painter: Painter) -> dict[str, Adapter]:
    """All shipped adapters by name."""
    return {r.name: read_adapter(DATA / "loras" / f"{r.name}.safetensors", painter.text, painter.unet) for r in RECIPES}


def make_detector(painter: Painter, data: str) -> Detector:
    """A detector of one adapter's look, trained on real pictures that went through the VAE."""
    shown = show(data)
    rows = [row for row, sign in enumerate(shown.signs) if sign > 0]
    rows = random.Random(16).sample(rows, min(EXAMPLES, len(rows)))
    plain = on_white(subject_artwork("noto")[[shown.subjects[row] for row in rows]])
    return train_detector(_through_vae(painter, plain), _through_vae(painter, shown.pictures[rows]))


def strengths(
    painter: Painter,
    adapters: dict[str, Adapter],
    detectors: dict[str, Detector],
    count: int = 15,
) -> list[Result]:
    """How often the style score rises from one strength to the next, over prompts and adapters."""
    results, rises, ends = [], [], []
    plain = {heads: painter.paint(_prompts(count, heads=heads), steps=STEPS) for heads in (False, True)}
    for recipe in RECIPES:
        heads = recipe.name == "top_hat"
        prompts = _prompts(count, heads=heads)
        scores = [detectors[recipe.name].score(plain[heads])]
        for strength in STRENGTHS[1:]:
            with stacked([(adapters[recipe.name], strength)]):
                scores.append(detectors[recipe.name].score(painter.paint(prompts, steps=STEPS)))
        table = torch.stack(scores)
        up = (table.diff(dim=0) > 0).float()
        rises.append(up)
        ends.append((table[-1] > table[0]).float())
        note = "mean score " + " ".join(f"{float(row.mean()):.1f}" for row in table)
        results.append(
            Result(
                measure=f"style rises: {recipe.name}",
                value=100 * float(up.mean()),
                bar=95,
                samples=up.numel(),
                unit="%",
                note=note,
            )
        )
    every, outer = torch.stack(rises), torch.stack(ends)
    return [
        Result(
            measure="style score rises at each step of strength",
            value=100 * float(every.mean()),
            bar=95,
            samples=every.numel(),
            unit="%",
            note="all adapters, prompts and steps",
        ),
        Result(
            measure="style score higher at 1 than at 0",
            value=100 * float(outer.mean()),
            bar=95,
            samples=outer.numel(),
            unit="%",
        ),
        *results,
    ]


def blends(
    painter: Painter,
    adapters: dict[str, Adapter],
    detectors: dict[str, Detector],
    count: int = 12,
) -> list[Result]:
    """Share of blends at 0.7 + 0.7 in which both looks are detected."""
    prompts = _prompts(count, heads=True)
    plain = painter.paint(prompts + prompts, steps=STEPS)
    floor = {name: float(d.score(plain).quantile(FALSE_ALARM)) for name, d in detectors.items()}
    results, every = [], []
    for pair in BLENDS:
        with stacked([(adapters[name], 0.7) for name in pair]):
            pictures = painter.paint(prompts, steps=STEPS)
        seen = torch.stack([detectors[name].score(pictures) > floor[name] for name in pair])
        both = seen.all(0)
        every += both.tolist()
        note = ", ".join(
            f"{name} {100 * float(row.float().mean()):.0f} %" for name, row in zip(pair, seen, strict=True)
        )
        results.append(
            Result(
                measure=f"both seen: {pair[0]} + {pair[1]}",
                value=share(both.tolist()),
                bar=80,
                samples=count,
                unit="%",
                note=note,
            )
        )
    total = Result(measure="both looks detected in blends", value=share(every), bar=80, samples=len(every), unit="%")
    return [total, *results]


def slider(painter: Painter, adapters: dict[str, Adapter], count: int = 20) -> list[Result]:
    """How often red minus blue rises from strength -1 over -0.5, 0 and 0.5 to 1."""
    prompts = _prompts(count, heads=False)
    means = []
    for strength in (-1.0, -0.5, 0.0, 0.5, 1.0):
        with stacked([(adapters["warm_cold"], strength)]):
            pictures = painter.paint(prompts, steps=STEPS)
        means.append((pictures[:, 0] - pictures[:, 2]).mean((1, 2)))
    up = (torch.stack(means).diff(dim=0) > 0).float()
    note = "mean red minus blue " + " ".join(f"{float(row.mean()):.2f}" for row in means)
    return [
        Result(
            measure="warm_cold: warmth rises from -1 to 1",
            value=100 * float(up.mean()),
            bar=95,
            samples=up.numel(),
            unit="%",
            note=note,
        )
    ]


def embedding(painter: Painter, count: int = 60) -> list[Result]:
    """What the embedding does in the negative prompt: likeness to the real emoji, and edges."""
    emoji, real = load_subjects(), on_white(subject_artwork("noto"))
    rows = random.Random(14).sample(range(len(emoji)), min(count, len(emoji)))
    prompts = [names_of(emoji[row])[0] for row in rows]
    avoided = _embedding_states(painter)
    own, edges = {}, {}
    for name, negative in (("none", ""), ("badpic", avoided), ("words", NEGATIVE)):
        pictures = painter.paint(prompts, negative=negative, steps=STEPS)
        own[name] = distances(pictures, real)[torch.arange(len(rows)), torch.tensor(rows)]
        edges[name] = float(edge_energy(pictures).mean())
    nearer = (own["badpic"] < own["none"]).float()
    note = "mean squared distance " + ", ".join(f"{k} {float(v.mean()):.4f}" for k, v in own.items())
    note += "; edge energy " + ", ".join(f"{k} {v:.4f}" for k, v in edges.items())
    return [
        Result(
            measure="negative embedding brings pictures nearer to the real emoji",
            value=100 * float(nearer.mean()),
            bar=60,
            samples=len(rows),
            unit="%",
            note=note,
        )
    ]


def _embedding_states(painter: Painter) -> Tensor:
    vectors = load_file(DATA / "embeddings" / f"{NAME}.safetensors")["emb_params"].float()
    ids = torch.full((1, MAX_TOKENS), END)
    ids[0, 0] = START
    with torch.no_grad():
        embedded = painter.text.get_input_embeddings()(ids).clone()
        embedded[0, 1 : 1 + len(vectors)] = vectors
        return encode_embedded(painter.text, ids, embedded)


def _through_vae(painter: Painter, pictures: Tensor) -> Tensor:
    return decode(painter.vae, encode(painter.vae, pictures) * SCALING_FACTOR)


def _prompts(count: int, *, heads: bool) -> list[str]:
    emoji = load_subjects()
    names = [names_of(one)[0] for one in emoji if not heads or one.subgroup.startswith(HEADS)]
    mixed = random.Random(15).sample(names, min(count, len(names)))
    return list(itertools.islice(itertools.cycle(mixed), count))
