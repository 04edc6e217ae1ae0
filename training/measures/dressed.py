"""Pictures that the base made itself, without any adapter, dressed in looks: what guidance makes, under a label that is true.

A generated picture is cut out of its paper, and then looks are put on as on artwork.
"""

from __future__ import annotations

import random

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.artwork import load_emoji
from training.captions import Look, caption, names_of
from training.diffusion import decode
from training.latents import encode
from training.measures.mixtures import Mixtures, draw_amounts, joined, other_amounts
from training.networks import SCALING_FACTOR
from training.painter import BATCH, Painter
from training.progress import report
from training.wardrobe import Wardrobe

STEPS = 8
"""Sampling steps, of these pictures and of those the detector judges."""

FIRST_SEED = 1_000_000
"""Seeds from here on, and none that a measurement uses."""

NEAR = 0.12
"""How far a colour may be from the paper's and still be paper."""

AGAIN_SHARE = 0.5
"""Dressed pictures that go through the VAE once more."""


def draw_dressed(painter: Painter, rows: list[int], rng: random.Random) -> Mixtures:
    """A pair of each of the given emoji (rows of the list of all), painted by the base and dressed, in half precision."""
    emoji, wardrobe = load_emoji(), Wardrobe()
    parts = []
    for start in range(0, len(rows), BATCH):
        chosen = [emoji[row] for row in rows[start : start + BATCH]]
        plain = Look(background="white")
        prompts = [names_of(one)[0] if rng.random() < 0.5 else caption(one, plain, rng, empty=0) for one in chosen]
        seeds = [FIRST_SEED + rng.randrange(2**30) for _ in chosen]
        artwork, papers = cut_out(painter.paint(prompts, seeds=seeds, steps=STEPS))
        first = draw_amounts(len(chosen), rng)
        pair = torch.stack([first, other_amounts(first, rng)], 1).flatten(0, 1)
        pictures = wardrobe.put_on(artwork.repeat_interleave(2, 0), pair, papers.repeat_interleave(2, 0))
        again = 2 * round(len(chosen) * AGAIN_SHARE)
        coded = decode(painter.vae, encode(painter.vae, pictures[:again]) * SCALING_FACTOR)
        both = torch.cat([coded, pictures[again:]]).half()
        shown = [row for row in rows[start : start + BATCH] for _ in range(2)]
        parts.append(Mixtures(pictures=both, amounts=pair, rows=shown))
        if start // BATCH % 10 == 0:
            report("detector", f"{start + len(chosen)} of {len(rows)} pictures of the base dressed")
    return joined(*parts)


def cut_out(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Artwork (N, 4, H, W) of pictures (N, 3, H, W), and the colours (N, 3) of their papers.

    Paper is what is near the middle colour of the picture's rim and hangs together with the rim.
    """
    rim = torch.cat([pictures[..., 0, :], pictures[..., -1, :], pictures[..., 0], pictures[..., -1]], 2)
    papers = rim.median(2).values
    distance = (pictures - papers[:, :, None, None]).abs().amax(1, keepdim=True)
    near = (distance < NEAR).float()
    edge = torch.zeros_like(near)
    edge[..., [0, -1], :] = edge[..., [0, -1]] = 1
    paper, before = edge * near, torch.zeros_like(near)
    while not torch.equal(paper, before):
        before, paper = paper, F.max_pool2d(paper, 3, stride=1, padding=1) * near
    alpha = torch.where(paper > 0, distance / NEAR, torch.ones_like(distance))
    return torch.cat([pictures, alpha], 1), papers
