"""The negative embedding: are pictures nearer to the real emoji when it is named?"""

from __future__ import annotations

import random

import torch
from safetensors.torch import load_file
from torch import Tensor

from training.captions import names_of
from training.embedding import NAME, encode_embedded
from training.latents import load_subjects, subject_artwork
from training.measures.features import edge_energy
from training.measures.result import Result
from training.measures.retrieval import distances
from training.networks import MAX_TOKENS
from training.painter import Painter
from training.paths import DATA
from training.pixels import place
from training.styles import on_white
from training.tokenizer import END, START

STEPS = 10
WORDS = "worst quality, low quality, blurry"
"""What people write into negative prompts for Stable Diffusion."""

JITTERED = 8
"""Slightly moved and shrunk drawings of each emoji, as training has seen them: the nearest counts."""


def embedding(painter: Painter, count: int = 60) -> list[Result]:
    """What the embedding does in the negative prompt, against no negative prompt and against the plain words."""
    emoji, artwork = load_subjects(), subject_artwork("noto")
    rows = random.Random(14).sample(range(len(emoji)), min(count, len(emoji)))
    prompts, real = [names_of(emoji[row])[0] for row in rows], artwork[rows]
    own, edges = {}, {}
    for name, negative in (("none", ""), (NAME, embedding_states(painter)), ("words", WORDS)):
        pictures = painter.paint(prompts, negative=negative, steps=STEPS)
        own[name] = nearest_drawing(pictures, real)
        edges[name] = float(edge_energy(pictures).mean())
    edges["real"] = float(edge_energy(on_white(real)).mean())
    note = "mean squared distance " + ", ".join(f"{k} {float(v.mean()):.4f}" for k, v in own.items())
    note += "; edge energy " + ", ".join(f"{k} {v:.4f}" for k, v in edges.items())
    return [
        Result(
            measure=f"negative embedding brings pictures nearer to the real emoji than {other}",
            value=100 * float((own[NAME] < own[key]).float().mean()),
            bar=60,
            samples=len(rows),
            unit="%",
            note=text,
        )
        for key, other, text in (("none", "no negative prompt", note), ("words", "the plain words", ""))
    ]


def nearest_drawing(pictures: Tensor, artwork: Tensor) -> Tensor:
    """Mean squared difference of each picture to the nearest of its own emoji's drawings: (N, 3, H, W), (N, 4, H, W) to (N,)."""
    generator = torch.Generator().manual_seed(17)
    moved = [artwork, *(place(artwork, generator, reach=0.03, shrink=0.06) for _ in range(JITTERED))]
    return torch.stack([distances(pictures, on_white(one)).diagonal() for one in moved]).amin(0)


def embedding_states(painter: Painter) -> Tensor:
    """Text states (1, 77, 128) of the embedding alone."""
    vectors = load_file(DATA / "embeddings" / f"{NAME}.safetensors")["emb_params"].float()
    ids = torch.full((1, MAX_TOKENS), END)
    ids[0, 0] = START
    with torch.no_grad():
        embedded = painter.text.get_input_embeddings()(ids).clone()
        embedded[0, 1 : 1 + len(vectors)] = vectors
        return encode_embedded(painter.text, ids, embedded)
