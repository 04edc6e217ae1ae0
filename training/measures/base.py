"""The base model: colour words, subjects, negative prompts, reconstruction, speed."""

from __future__ import annotations

import random
import statistics
import time

import torch

from training.canvases import PAIRS
from training.captions import names_of, without_colour
from training.colours import NAMES, colour_shares
from training.diffusion import EDGE
from training.latents import load_subjects, subject_artwork
from training.measures.features import dominant_colour
from training.measures.result import Result, share
from training.measures.retrieval import ranks
from training.painter import Painter
from training.recolour import own_colour
from training.styles import on_white
from training.vae import held_pictures, psnr

COLOUR_WORDS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
STEPS = 12
NEGATIVE_STEPS = 10
PHRASES = ("{}", "a picture of a {}", "{}, simple", "{} emoji", "a {}")


def colours(painter: Painter, count: int = 200) -> list[Result]:
    """Share of "COLOUR SUBJECT" prompts whose subject is mostly of the named colour."""
    rng = random.Random(11)
    nouns = [without_colour(names_of(one)[0]) for one in load_subjects()]
    words = [COLOUR_WORDS[index % len(COLOUR_WORDS)] for index in range(count)]
    pictures = painter.paint([f"{word} {rng.choice(nouns)}, white background" for word in words], steps=STEPS)
    hits = [word == seen for word, seen in zip(words, dominant_colour(pictures), strict=True)]
    each = {word: share([h for h, w in zip(hits, words, strict=True) if w == word]) for word in COLOUR_WORDS}
    note = ", ".join(f"{word} {value:.0f}" for word, value in each.items())
    least = min(each, key=lambda word: each[word])
    return [
        Result(measure="right colour", value=share(hits), bar=92, samples=count, unit="%", note=note),
        Result(measure="weakest colour", value=each[least], bar=80, samples=words.count(least), unit="%", note=least),
    ]


def subjects(painter: Painter, count: int = 300) -> list[Result]:
    """Share of seen captions whose own emoji is among the ten nearest of all subjects, and the median rank.

    Every subject is asked for once before one is asked for again, then in another phrase and from another seed.
    """
    rng = random.Random(12)
    emoji, real = load_subjects(), on_white(subject_artwork("noto"))
    order = rng.sample(range(len(emoji)), len(emoji))
    wanted = [order[number % len(order)] for number in range(count)]
    prompts = [
        PHRASES[(row + number // len(order)) % len(PHRASES)].format(names_of(emoji[row])[0])
        for number, row in enumerate(wanted)
    ]
    places = ranks(painter.paint(prompts, steps=STEPS), real, wanted)
    top = share([place <= 10 for place in places])
    note = f"median rank {statistics.median(places):.0f} of {len(emoji)}, first {share([p == 1 for p in places]):.0f} %"
    return [
        Result(measure="right subject among 10 nearest", value=top, bar=95, samples=len(places), unit="%", note=note)
    ]


def pairs(painter: Painter, count: int = 100) -> list[Result]:
    """Share of "A on the left, B on the right" at 256 x 128 where each half shows its own subject among the ten nearest.

    And nearer to it than to the other one: a pair that stands the wrong way round does not count.
    """
    rng = random.Random(14)
    emoji, real = load_subjects(), on_white(subject_artwork("noto"))
    wanted = [rng.sample(range(len(emoji)), 2) for _ in range(count)]
    names = [[names_of(emoji[row])[0] for row in pair] for pair in wanted]
    pictures = painter.paint(
        [pair_phrases()[k % len(pair_phrases())].format(*pair) for k, pair in enumerate(names)],
        steps=STEPS,
        size=(EDGE, 2 * EDGE),
    )
    edge = pictures.shape[-1] // 2
    found = []
    for side, part in enumerate((pictures[..., :edge], pictures[..., edge:])):
        own, other = [pair[side] for pair in wanted], [pair[1 - side] for pair in wanted]
        places, others = ranks(part, real, own), ranks(part, real, other)
        found.append([place <= 10 and place < wrong for place, wrong in zip(places, others, strict=True)])
    both = [left and right for left, right in zip(*found, strict=True)]
    note = f"left {share(found[0]):.0f} %, right {share(found[1]):.0f} %"
    return [
        Result(measure="two subjects, each on its side", value=share(both), bar=85, samples=count, unit="%", note=note)
    ]


def pair_phrases() -> list[str]:
    """The captions of pairs that name the sides, left first."""
    return [template for template in PAIRS if template.find("{0}") < template.find("{1}") and "left" in template]


def negatives(painter: Painter, count: int = 60) -> list[Result]:
    """Share of prompts where naming the subject's own colour in the negative prompt leaves less of that colour."""
    emoji, artwork = load_subjects(), subject_artwork("noto")
    own = own_colour(artwork)
    rows = [row for row, word in enumerate(own) if word in COLOUR_WORDS and word not in names_of(emoji[row])[0]]
    rows = random.Random(13).sample(rows, min(count, len(rows)))
    prompts, words = [names_of(emoji[row])[0] for row in rows], [own[row] for row in rows]
    seeds = list(range(len(rows)))
    before = painter.paint(prompts, seeds=seeds, negative="", steps=NEGATIVE_STEPS)
    after = painter.paint(prompts, seeds=seeds, negative=painter.states(words), steps=NEGATIVE_STEPS)
    columns = torch.tensor([NAMES.index(word) for word in words])
    index = torch.arange(len(rows))
    shares = [colour_shares(p, ((1 - p).amax(1) > 0.12).float())[index, columns] for p in (before, after)]
    hits = [bool(less) for less in shares[1] < shares[0]]
    note = f"mean share of the colour {100 * float(shares[0].mean()):.0f} % before, {100 * float(shares[1].mean()):.0f} after"
    return [
        Result(
            measure="negative colour word lowers it", value=share(hits), bar=80, samples=len(rows), unit="%", note=note
        )
    ]


def reconstruction(painter: Painter) -> list[Result]:
    """PSNR of held-out Noto pictures through the VAE."""
    held = held_pictures()
    value = psnr(painter.vae, held)
    return [Result(measure="VAE PSNR on held-out pictures", value=value, bar=28, samples=len(held), unit="dB")]


def speed(painter: Painter, repeats: int = 3) -> list[Result]:
    """Seconds for one picture, 20 steps with guidance and decoding, on one thread; told, not barred."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    painter.paint(["cat"])
    start = time.monotonic()
    for _ in range(repeats):
        painter.paint(["cat"])
    value = (time.monotonic() - start) / repeats
    torch.set_num_threads(threads)
    return [Result(measure="seconds a picture, one core", value=value, bar=None, samples=repeats, unit="s")]
