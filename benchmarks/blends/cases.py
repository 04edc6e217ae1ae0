"""What is drawn: pairs and triples of looks, prompts, and the ways they are blended in."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

from lora_mixer import Rectangle, Region, RenderRequest
from lora_mixer.mixer import RequestOptions
from lora_mixer.mixes import mix_of
from training.adapters.recipes import RECIPES
from training.captions import names_of
from training.latents import load_subjects
from training.measures.mixtures import APART

SUM = "sum"
HEADS = ("animal", "face", "cat", "monkey")
"""Subjects that a hat can be put on."""
FOR_HEADS = {"top_hat"}
LEFT_OUT = {"warm_cold", "shiny"}
"""The first is a slider, no look that a text can ask for; the second is told by the detector in two pictures of three alone, so
that whether it is there would be the detector's doing more than a way's."""
LEFT, RIGHT = (Rectangle(left=x, top=0.0, right=x + 0.5, bottom=1.0) for x in (0.0, 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way of blending.

    Attributes:
        name: What the table calls it.
        settings: Fields of a request.
        rows: It has a row of the batch for each LoRA.
    """

    name: str
    settings: RequestOptions = field(default_factory=RequestOptions)
    rows: bool = False

    @property
    def method(self) -> str | None:
        """The name of the method it shows, if it shows one."""
        said = self.settings.get("method")
        return None if said is None else str(said).partition(":")[0]


WAYS: tuple[Way, ...] = (
    Way(name=SUM),
    Way(name="balance=mix", settings={"balance": "mix"}),
    Way(name="balance=block", settings={"balance": "block"}),
    Way(name="ties", settings={"method": "ties"}),
    Way(name="dare", settings={"method": "dare"}),
    Way(name="switch:every=1", settings={"method": "switch:every=1"}),
    Way(name="switch:every=2", settings={"method": "switch:every=2"}),
    Way(name="w_switch:every=2", settings={"method": "w_switch:every=2"}),
    Way(name="composite", settings={"method": "composite"}, rows=True),
    Way(name="w_composite", settings={"method": "w_composite"}, rows=True),
    Way(name="ssr", settings={"method": "ssr"}),
)
"""A row each, the sum first; a new way of blending is a row here."""

PLACES = (SUM, "regions", "auto places")
"""Ways to give each of two subjects its LoRA, the sum first."""


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
        return ", ".join((subject, *(trigger(look) for look in self.looks)))

    def placed(self, way: str, left: str, right: str) -> RenderRequest:
        """Return what is asked for to show two subjects with a look each, the first of them on the left.

        Every text is the whole canvas's: of its own subject alone the model draws one in the middle. Trigger words are left
        out, as the LoRAs do without: a word behind "on the right" costs the model the right subject, with no LoRA, too.
        """
        pair, looks = f"a {left} on the left, a {right} on the right", self.looks
        if way == SUM:
            return RenderRequest(pair, loras=mix_of(dict.fromkeys(looks, 1.0)))
        found = way != "regions"
        sides = zip((left, right), (LEFT, RIGHT), looks, strict=True)
        regions = tuple(
            Region(
                pair,
                mask=None if found else mask,
                words=subject if found else "",
                loras=mix_of({look: 1.0}),
            )
            for subject, mask, look in sides
        )
        return RenderRequest(pair, regions=regions)


def placed_cases(count: int) -> list[Case]:
    """Return so many pairs of looks for two subjects, a look each: any that any subject may have, since neither hides the other."""
    names = [name for name in _looks() if name not in FOR_HEADS]
    return _drawn([Case(looks) for looks in itertools.combinations(names, 2)])[:count]


def trigger(look: str) -> str:
    """Return the trigger words of a look."""
    return next(recipe.trigger for recipe in RECIPES if recipe.name == look)


def cases(pairs: int, triples: int) -> list[Case]:
    """Return so many pairs and triples of looks that do not hide each other, drawn once and for all."""
    found = []
    for size, count in ((2, pairs), (3, triples)):
        found += _drawn(
            [
                Case(looks)
                for looks in itertools.combinations(_looks(), size)
                if not any(set(pair) <= set(looks) for pair in APART)
            ]
        )[:count]
    return found


def _looks() -> list[str]:
    return [recipe.name for recipe in RECIPES if recipe.trigger and recipe.name not in LEFT_OUT]


def _drawn(every: list[Case]) -> list[Case]:
    """Return them in an order that hangs on chance, the same each time."""
    return random.Random(28).sample(every, len(every))


def subjects(count: int) -> list[str]:
    """Return so many subjects with heads, which every look suits; of a larger number, the first ones are the same."""
    names = [names_of(one)[0] for one in load_subjects() if one.subgroup.startswith(HEADS)]
    random.Random(15).shuffle(names)
    return list(itertools.islice(itertools.cycle(names), count))


def subject_pairs(count: int) -> list[tuple[str, str]]:
    """Return so many pairs of any subjects; of a larger number, the first ones are the same."""
    names = [names_of(one)[0] for one in load_subjects()]
    random.Random(16).shuffle(names)
    return list(itertools.islice(itertools.cycle(neighbours(names)), count))


def neighbours(names: list[str]) -> list[tuple[str, str]]:
    """Return a pair for each subject: itself and the next one that shares no word with it."""
    pairs = []
    for number, left in enumerate(names):
        others = (names[(number + step) % len(names)] for step in range(1, len(names)))
        right = next((other for other in others if not set(left.split()) & set(other.split())), None)
        if right is not None:
            pairs.append((left, right))
    return pairs
