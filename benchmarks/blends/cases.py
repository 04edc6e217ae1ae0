"""What is drawn: pairs and triples of looks, prompts, and the ways they are blended in."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from typing import Any

from training.adapters.recipes import RECIPES
from training.captions import names_of
from training.latents import load_subjects
from training.measures.mixtures import APART

SUM = "sum"
HEADS = ("animal", "face", "cat", "monkey")
"""Subjects that a hat can be put on."""
WITHOUT_TRIGGER = {"warm_cold"}
"""A slider: it is no look that a text can ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way of blending.

    Attributes:
        name: What the table calls it.
        settings: Fields of a request.
        alone: Each LoRA by itself, and no blend at all: what the others are held against.
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    alone: bool = False


WAYS: tuple[Way, ...] = (
    Way(name=SUM),
    Way(name="one LoRA alone", alone=True),
    Way(name="balance=mix", settings={"balance": "mix"}),
    Way(name="balance=block", settings={"balance": "block"}),
    Way(name="ties", settings={"method": "ties"}),
    Way(name="dare", settings={"method": "dare"}),
    Way(name="switch:every=1", settings={"method": "switch:every=1"}),
    Way(name="switch:every=2", settings={"method": "switch:every=2"}),
    Way(name="w_switch:every=2", settings={"method": "w_switch:every=2"}),
    Way(name="composite", settings={"method": "composite"}),
    Way(name="w_composite", settings={"method": "w_composite"}),
    Way(name="ssr", settings={"method": "ssr"}),
)
"""A row each, the sum first; a new way of blending is a row here."""


@dataclass(frozen=True, slots=True)
class Case:
    """Some looks at once."""

    looks: tuple[str, ...]

    @property
    def name(self) -> str:
        """What files and sheets call it."""
        return "+".join(self.looks)

    def prompt(self, subject: str) -> str:
        """Return a subject's prompt with the trigger words of all looks, as ComposLoRA writes them."""
        triggers = {recipe.name: recipe.trigger for recipe in RECIPES}
        return ", ".join((subject, *(triggers[look] for look in self.looks)))


def cases(pairs: int, triples: int) -> list[Case]:
    """Return so many pairs and triples of looks that do not hide each other, drawn once and for all."""
    names = [recipe.name for recipe in RECIPES if recipe.name not in WITHOUT_TRIGGER]
    found = []
    for size, count in ((2, pairs), (3, triples)):
        all_of_size = [
            Case(looks)
            for looks in itertools.combinations(names, size)
            if not any(set(pair) <= set(looks) for pair in APART)
        ]
        random.Random(28).shuffle(all_of_size)
        found += all_of_size[:count]
    return found


def subjects(count: int) -> list[str]:
    """Return so many subjects with heads, which every look suits."""
    names = [names_of(one)[0] for one in load_subjects() if one.subgroup.startswith(HEADS)]
    mixed = random.Random(15).sample(names, min(count, len(names)))
    return list(itertools.islice(itertools.cycle(mixed), count))
