"""What the style detector learns from: pairs of real artwork, and of pictures that the base painted without any adapter.

Artwork (`training.measures.mixtures`) is of all emoji, of which the model's subjects are a sixth, so that looks are learned and
not drawings. So that the detector holds on generated pictures, most artwork goes through the model first: through the VAE, or
noised a little and denoised again by the base. Only a little: from the middle of the schedule on, the base redraws every look
as its own, and the label would name what is no longer there. What the base paints from nothing is dressed afterwards
(`training.measures.dressed`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from training.artwork import load_emoji
from training.captions import names_of, plain
from training.diffusion import alphas_cumprod, decode, noised
from training.latents import encode
from training.measures.dressed import AGAIN_SHARE, NEAR, STEPS, draw_dressed
from training.measures.mixtures import Mixtures, draw, joined
from training.networks import SCALING_FACTOR
from training.painter import Painter
from training.precision import autocast
from training.progress import report
from training.subjects import is_subject, subject_ids
from training.wardrobe import Wardrobe

CHUNK = 32
"""Pairs that are drawn at once."""

PAINTED_SHARE = 0.27
"""Pairs that the base painted, as a share of those of artwork."""

HELD = 5
"""Every fifth subject is held out."""

FEWEST_HELD = 12
"""Pairs of held-out subjects at least, however small a run is: with fewer, no picture may be without a look."""

SUBJECT_SHARE = 0.5
"""Examples of the model's own subjects; the rest shows any other emoji."""

RAW_SHARE, VAE_SHARE = 0.1, 0.55
"""Examples as they are, and through the VAE only; the rest is denoised by the base."""

TIMES = (40, 200)
"""The range of timesteps examples are noised to."""

DENOISING_STEPS = 2
GUIDANCE = 3.0

SETTING = (
    PAINTED_SHARE,
    HELD,
    SUBJECT_SHARE,
    RAW_SHARE,
    VAE_SHARE,
    TIMES,
    DENOISING_STEPS,
    GUIDANCE,
    STEPS,
    NEAR,
    AGAIN_SHARE,
)
"""The numbers that drawn examples hang on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Pairs to learn from, and pairs of held-out subjects."""

    seen: Mixtures
    held: Mixtures


def kept_examples(painter: Painter, pairs: int, folder: Path) -> tuple[Examples, Examples]:
    """So many pairs of artwork, and a share of pairs that the base painted.

    Drawn once and kept in a folder, so that a killed run need not draw them again.
    """
    painted = max(2, round(pairs * PAINTED_SHARE))
    return (
        _kept(folder / "artwork.pt", lambda: draw_artwork(painter, pairs, random.Random(21))),
        _kept(folder / "painted.pt", lambda: draw_painted(painter, painted, random.Random(23))),
    )


def _kept(path: Path, draw_both: Callable[[], Examples]) -> Examples:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        torch.save(asdict(draw_both()), unfinished)
        unfinished.replace(path)
    return Examples(**{name: Mixtures(**one) for name, one in torch.load(path, weights_only=True).items()})


def draw_artwork(painter: Painter, pairs: int, rng: random.Random) -> Examples:
    """Artwork of known emoji, subjects and others, and of held-out subjects."""
    known, others, held = split()
    own = round(pairs * SUBJECT_SHARE)
    rows = rng.choices(known, k=own) + rng.choices(others, k=pairs - own)
    rng.shuffle(rows)
    seen = draw_through(painter, rows, rng)
    return Examples(seen=seen, held=draw_through(painter, rng.choices(held, k=max(FEWEST_HELD, pairs // 6)), rng))


def draw_painted(painter: Painter, pairs: int, rng: random.Random) -> Examples:
    """Pictures of the base of known subjects, and of held-out ones, dressed."""
    known, _, held = split()
    seen = draw_dressed(painter, rng.choices(known, k=pairs), rng)
    return Examples(seen=seen, held=draw_dressed(painter, rng.choices(held, k=max(FEWEST_HELD, pairs // 6)), rng))


def split() -> tuple[list[int], list[int], list[int]]:
    """Rows of all emoji: subjects that are learned from, other emoji that are, and subjects that are held out.

    An emoji that shares a word of its name with a held-out subject is in none of the lists.
    """
    emoji = load_emoji()
    subjects = subject_ids(emoji)
    held = subjects[::HELD]
    hidden = {word for row in held for word in _words(emoji[row].label)}
    others = [row for row, one in enumerate(emoji) if not is_subject(one) and not hidden & _words(one.label)]
    known = [row for k, row in enumerate(subjects) if k % HELD]
    return known, others, held


def _words(label: str) -> set[str]:
    return set(plain(label).split()) - {"face", "with", "of", "and", "the", "in", "on", "button", "sign"}


def draw_through(painter: Painter, rows: list[int], rng: random.Random) -> Mixtures:
    """A pair of each of the given emoji in half precision, most of them through the model."""
    wardrobe, parts = Wardrobe(), []
    for start in range(0, len(rows), CHUNK):
        mixed = draw(wardrobe, rows[start : start + CHUNK], rng)
        parts.append(replace(mixed, pictures=through_model(painter, mixed, rng).half()))
        if start // CHUNK % 10 == 0:
            report("detector", f"{start + CHUNK} of {len(rows)} pairs of artwork drawn")
    return joined(*parts)


def through_model(painter: Painter, mixed: Mixtures, rng: random.Random) -> Tensor:
    """A share of the pairs as they are, a share through the VAE, the rest noised and denoised by the base."""
    pairs = len(mixed.pictures) // 2
    raw, coded = 2 * round(pairs * RAW_SHARE), 2 * round(pairs * (RAW_SHARE + VAE_SHARE))
    latents = encode(painter.vae, mixed.pictures[raw:]) * SCALING_FACTOR
    emoji = load_emoji()
    named = [emoji[row] for row in mixed.rows[coded:]]
    captions = [names_of(one)[0] if is_subject(one) and rng.random() < 0.8 else "" for one in named]
    redrawn = redraw(painter, latents[coded - raw :], captions, rng)
    return torch.cat([mixed.pictures[:raw], decode(painter.vae, torch.cat([latents[: coded - raw], redrawn]))])


@torch.no_grad()
def redraw(painter: Painter, latents: Tensor, captions: list[str], rng: random.Random) -> Tensor:
    """Noise latents to a time and come back in a few guided steps (DDIM, Song et al. 2021, eq. 12, without noise)."""
    if not captions:
        return latents
    alphas, start = alphas_cumprod(), rng.randint(*TIMES)
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    noise = torch.randn(latents.shape, generator=generator)
    noisy, _ = noised(latents, noise, torch.full((len(latents),), start), alphas)
    states = torch.cat([painter.states([""]).expand(len(latents), -1, -1), painter.states(captions)])
    times = [round(start * (DENOISING_STEPS - step) / DENOISING_STEPS) for step in range(DENOISING_STEPS)]
    clean = noisy
    for time, after in zip(times, [*times[1:], 0], strict=True):
        a, s = alphas[time].sqrt(), (1 - alphas[time]).sqrt()
        with autocast():
            both = painter.unet(torch.cat([noisy, noisy]), time, encoder_hidden_states=states).sample.float()
        without, named = both.chunk(2)
        v = without + GUIDANCE * (named - without)
        clean, noise = a * noisy - s * v, s * noisy + a * v
        noisy = alphas[after].sqrt() * clean + (1 - alphas[after]).sqrt() * noise
    return clean
