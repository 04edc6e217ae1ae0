"""Captions: what a person might type to get a given picture, in tag style and in plain words."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from training import canvases
from training.colours import NAMES
from training.subjects import Emoji

NAMES_SET = frozenset(NAMES)
GOOD = ("masterpiece", "best quality")
BAD = ("worst quality", "low quality", "blurry")
TEMPLATES = (
    "a picture of a {}",
    "a {}",
    "{} emoji",
    "an emoji of a {}",
    "a photo of a {}",
    "a drawing of a {}",
    "the {}",
    "{}, simple",
    "a cute {}",
    "one {}",
)
BACKGROUNDS = ("{} background", "on a {} background", "{} backdrop")
CATEGORIES = {
    "animals-nature": ("animal", "nature"),
    "food-drink": ("food",),
    "objects": ("object", "thing"),
    "smileys-emotion": ("face", "emotion"),
    "activities": ("activity", "fun"),
    "travel-places": ("travel", "place"),
    "people-body": ("person", "people"),
    "symbols": ("symbol", "sign"),
}
EXTRA_WORDS = (  # "twemoji style" is nobody's trigger any more, but the shipped text encoder has its rows
    "twemoji style",
    "fluent style",
    "line art",
    "night sky",
    "pixel art",
    "sepia",
    "wearing a top hat",
    "warm",
    "cold",
    "style",
    "photo",
    "and",
    "with",
    "in",
    "of",
    "highly detailed",
    "beautiful",
    "bright",
    "dark",
    "colorful",
    "small",
    "big",
    "red and blue",
    "no",
    "bad",
    "good",
    "ugly",
    "noise",
    "noisy",
    "pixelated",
    "jpeg artifacts",
    "gray",
    "tones",
)
"""Words no caption of the base holds, but adapters or prompts may: they get rows of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a training picture looks like, beyond its subject."""

    colour: str = ""
    """Colour word of a recoloured subject; empty if it has its own colours."""
    own_colour: str = ""
    """Colour word that fits the subject's own colours; empty if none does."""
    background: str = "white"
    degraded: bool = False


def plain(text: str) -> str:
    """Lower-case words without punctuation.

    >>> plain("Père Noël: T-Rex face!")
    'père noël t-rex face'
    """
    return re.sub(r"\s+", " ", re.sub(r"[^\w\-]+", " ", text.lower())).strip()


def without_colour(text: str) -> str:
    """The text with every colour word taken out, unless nothing would be left.

    >>> without_colour("red apple"), without_colour("orange")
    ('apple', 'orange')
    """
    words = [word for word in text.split() if word not in NAMES]
    return " ".join(words) or text


def names_of(one: Emoji) -> list[str]:
    """The subject's nouns, the best first."""
    candidates = [plain(one.name), plain(one.label)]
    return list(dict.fromkeys(candidates))


def keywords_of(one: Emoji) -> list[str]:
    """The subject's other words, single ones of the emoji list's tags."""
    return [plain(tag) for tag in one.tags if len(tag) > 2 and plain(tag).isascii() and plain(tag)][:8]


def caption(one: Emoji, look: Look, rng: random.Random, *, empty: float = 0.1) -> str:
    """One random caption for a picture of ``one`` that looks like ``look``.

    The noun may carry the colour ("blue cat"), or the colour comes as a tag ("cat, blue"); background, category,
    keyword and quality words follow in random order. A share of ``empty`` captions is empty, for guidance.
    """
    if rng.random() < empty:
        return ""
    noun = _noun(one, look, rng)
    tags: list[str] = []
    word = look.colour or (look.own_colour if rng.random() < 0.25 else "")
    if word and word not in noun.split():
        if rng.random() < 0.8:
            noun = f"{word} {noun}"
        else:
            tags.append(word)
    if rng.random() < 0.25:
        tags.append(rng.choice((*CATEGORIES[one.group], plain(one.subgroup.replace("-", " ")))))
    words = [tag for tag in keywords_of(one) if not (look.colour and NAMES_SET & set(tag.split()))]
    if words and rng.random() < 0.35:
        tags += rng.sample(words, min(len(words), rng.randint(1, 2)))
    phrase = ""
    if rng.random() < (0.93 if look.background != "white" else 0.15):
        phrase = rng.choice(BACKGROUNDS if rng.random() < 0.4 else BACKGROUNDS[:1]).format(look.background)
    if phrase.startswith("on "):
        noun, phrase = f"{noun} {phrase}", ""
    if rng.random() < 0.2:
        noun = rng.choice(TEMPLATES).format(noun)
    tags += [phrase] if phrase else []
    tags += _quality(look, rng)
    rng.shuffle(tags)
    parts = [noun, *tags]
    if rng.random() < 0.06:
        rng.shuffle(parts)
    return ", ".join(parts)


def named(one: Emoji, look: Look) -> str:
    """The shortest name of what a picture shows: a colour where it has not its own, and the best noun."""
    noun = names_of(one)[0]
    return f"{look.colour} {without_colour(noun)}" if look.colour else noun


def _noun(one: Emoji, look: Look, rng: random.Random) -> str:
    names = names_of(one)
    words = [word for word in keywords_of(one) if word not in NAMES_SET]
    roll = rng.random()
    noun = names[0] if roll < 0.82 or len(names) == 1 else names[1]
    if roll > 0.97 and words:
        noun = rng.choice(words)
    return without_colour(noun) if look.colour else noun


def _quality(look: Look, rng: random.Random) -> list[str]:
    if look.degraded:
        return rng.sample(BAD, rng.randint(1, 3))
    return list(GOOD[: rng.randint(1, 2)]) if rng.random() < 0.12 else []


def all_strings(subjects: list[Emoji]) -> list[str]:
    """Strings that together hold every word a caption can hold: the compact vocabulary is made of them."""
    strings = [*GOOD, *BAD, *NAMES, *EXTRA_WORDS, *canvases.strings(), "a, b", "background", "backdrop"]
    strings += [template.format("thing") for template in (*TEMPLATES, *BACKGROUNDS)]
    for words in CATEGORIES.values():
        strings += words
    for one in subjects:
        strings += [*names_of(one), *keywords_of(one), plain(one.subgroup.replace("-", " "))]
    return strings
