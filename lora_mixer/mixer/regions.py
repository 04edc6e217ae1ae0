"""Regions of a picture over the steps of a pass: what each says, where it lies, and which LoRAs act in it.

In a region its own text is read in the place of the picture's, under the picture's LoRAs and its own; over the picture each
LoRA acts where its region lies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from lora_mixer.blend import Stack
from lora_mixer.choices.places import AUTO
from lora_mixer.errors import PromptError, RequestError
from lora_mixer.mixer.second_pass import ended
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import Condition, LoadedModel
from lora_mixer.places import CenterCrop, DrawnMask
from lora_mixer.prompt import Break, Divided, Piece, Prompt, Span, WrittenRegion, moved, parse
from lora_mixer.regions import Region
from lora_mixer.request import Settings

MOST_WORDS = 5
"""Trained words of a LoRA that its place is found by."""


class RegionText(NamedTuple):
    """What a region reads (None: the picture's text), the LoRAs that act in it, and those that act on its negative alone."""

    pieces: tuple[Piece, ...] | None
    loras: tuple[LoraUse, ...]
    beside: tuple[LoraUse, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionMoment:
    """A region at a step.

    Attributes:
        towards: What it reads, and its LoRAs.
        away: What it steers away from, and its LoRAs on that half of guidance.
    """

    towards: RegionText
    away: RegionText


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionCourse:
    """A region over the steps of a pass.

    Attributes:
        region: The region.
        positive: What its prompt says at each step.
        negative: What it steers away from; empty: what the picture does.
        holds: LoRAs of the picture, by name, that act in it alone.
        crop: What the pass draws of the picture it lies in; None: all of it.
    """

    region: Region
    positive: tuple[Span, ...]
    negative: tuple[Span, ...] = ()
    holds: frozenset[str] = frozenset()
    crop: CenterCrop | None = None

    @property
    def words(self) -> str:
        """The words of the picture's prompt that mean what is in it."""
        return self.region.words.strip() or (self.region.prompt.strip() if self.region.mask is None else "")

    @property
    def spans(self) -> tuple[Span, ...]:
        """All its spans."""
        return (*self.positive, *self.negative)

    @property
    def loras(self) -> tuple[LoraUse, ...]:
        """All LoRAs that act in it at some step."""
        return (*self.region.loras, *(use for span in self.spans for use in span.loras))

    def ended(self) -> RegionCourse:
        """Return it in a pass that follows: strengths over the steps stay where they ended."""
        return replace(self, region=replace(self.region, loras=tuple(map(ended, self.region.loras))))

    def at(self, step: int, picture: Sequence[LoraUse] = ()) -> RegionMoment:
        """Return what it is at a step.

        Args:
            step: The step.
            picture: The picture's LoRAs, of which it may hold some.
        """
        said = span_at(self.positive, step)
        away = span_at(self.negative, step) if self.negative else None
        held_here = (use for use in picture if use.name in self.holds)
        asked = (*self.region.loras, *said.loras, *held_here)
        both = tuple(use for use in asked if not use.strength.negative)
        only_away = (*(use for use in asked if use.strength.negative), *(() if away is None else away.loras))
        return RegionMoment(
            towards=RegionText(_own(pieces_of(said)), both),
            away=RegionText(None if away is None else pieces_of(away), both, only_away),
        )


def auto_courses(
    uses: Sequence[LoraUse], trained: Callable[[str], Sequence[str]], said: str, full: tuple[Span, ...]
) -> tuple[RegionCourse, ...]:
    """Return a region for each LoRA whose trained words stand in the prompt, to be found by these.

    Words that several of the LoRAs were trained on tell none from the other.

    Args:
        uses: The picture's LoRAs.
        trained: The words that a LoRA was trained on, by its name.
        said: The picture's prompt.
        full: An empty prompt over the steps.
    """
    heard = {use.name: [word for word in trained(use.name) if _stands_in(word, said)] for use in uses}
    counts = Counter(word.casefold() for words in heard.values() for word in words)
    own = {name: [word for word in words if counts[word.casefold()] == 1][:MOST_WORDS] for name, words in heard.items()}
    return tuple(
        RegionCourse(region=Region(words=", ".join(words)), positive=full, holds=frozenset({name}))
        for name, words in own.items()
        if words
    )


def _stands_in(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def placed_courses(courses: Iterable[RegionCourse], found: Mapping[str, DrawnMask]) -> tuple[RegionCourse, ...]:
    """Return regions in an order that does not depend on theirs, with the places that were found."""
    placed = (
        replace(course, region=replace(course.region, mask=found[course.words], words=course.words))
        if course.region.mask is None and course.words in found
        else course
        for course in courses
    )
    return tuple(sorted(placed, key=lambda course: repr((course.region, sorted(course.holds), course.crop))))


def regional(
    settings: Settings,
    parts: Divided,
    positive: Sequence[Span],
    spans: Callable[[Prompt], Sequence[Span]],
    trained: Callable[[str], Sequence[str]],
    found: Mapping[str, DrawnMask],
    crop: CenterCrop | None = None,
    *,
    anew: bool = False,
) -> tuple[RegionCourse, ...]:
    """Return all regions of a pass, in an order that does not depend on theirs, with the places that were found.

    Args:
        settings: The pass's.
        parts: Its prompts, with the regions that are written there.
        positive: What its prompt says.
        spans: What a prompt says at each step.
        trained: The words that a LoRA was trained on, by its name.
        found: Places that were found, by the words of what lies there.
        crop: What the pass draws of the first pass's picture, in which places lie; None: all of it.
        anew: The prompt is the pass's own, and so are the places that are written in it.

    Raises:
        PromptError: A region's prompt cannot be read.
    """
    courses = courses_of(settings, parts.regions, spans, crop, anew=anew)
    if settings.places == AUTO:
        uses = [*settings.loras, *(use for span in positive for use in span.loras)]
        empty = tuple(spans(parse("")))
        courses += tuple(replace(one, crop=crop) for one in auto_courses(uses, trained, parts.prompt, empty))
    return placed_courses(courses, found)


def without_loras(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return what a prompt says without its LoRAs."""
    return tuple(replace(span, loras=()) for span in spans)


def refuse_unsaid(courses: Iterable[RegionCourse], positive: Sequence[Span], loaded: LoadedModel) -> None:
    """Refuse places that are to be found by words that do not stand in the prompt.

    Raises:
        RequestError: They do not.
    """
    texts = [Condition(pieces=part.text, stack=Stack()) for span in positive for part in span.parts]
    for words in sought(courses):
        if not any(loaded.texts.positions(text, words) for text in texts):
            raise RequestError(
                f"the words {words[:80]!r}, by which a place is to be found, do not stand in the prompt",
                where="regions",
                remedy="Write them there, give the region other words, or a mask.",
            )


def sought(courses: Iterable[RegionCourse]) -> tuple[str, ...]:
    """Return the words of the regions whose places are still to be found."""
    return tuple(dict.fromkeys(course.words for course in courses if course.region.mask is None))


def courses_of(
    settings: Settings,
    written: Iterable[WrittenRegion],
    spans: Callable[[Prompt], Sequence[Span]],
    crop: CenterCrop | None = None,
    *,
    anew: bool = False,
) -> tuple[RegionCourse, ...]:
    """Return the regions that act in a pass.

    Args:
        settings: The pass's.
        written: Those that stand in its prompt.
        spans: What a prompt says at each step.
        crop: What the pass draws of the picture in which places lie; None: all of it.
        anew: Those that stand in its prompt lie in what it draws, except where they are to be found.

    Raises:
        PromptError: A region's prompt cannot be read.
    """

    def read(text: str, at: int, *, negative: bool = False) -> tuple[Span, ...]:
        try:
            return tuple(spans(parse(text, grammar=settings.grammar, negative=negative)))
        except PromptError as error:
            raise moved(error, at) from error

    regions = [
        *((region, 0, crop) for region in settings.regions),
        *((one.region, one.at, None if anew and one.region.mask is not None else crop) for one in written),
    ]
    return tuple(
        RegionCourse(
            region=region,
            positive=read(region.prompt, at),
            negative=() if region.negative is None else read(region.negative, 0, negative=True),
            crop=lies,
        )
        for region, at, lies in regions
        if region.weight > 0.0
    )


def span_at(spans: Iterable[Span], step: int) -> Span:
    """Return the span that a step lies in."""
    return next(span for span in spans if span.start <= step < span.stop)


def pieces_of(span: Span) -> tuple[Piece, ...]:
    """Return the whole text of a span."""
    return tuple(piece for part in span.parts for piece in part.text)


def _own(pieces: tuple[Piece, ...]) -> tuple[Piece, ...] | None:
    """Return a region's text, or None where it has none of its own."""
    return pieces if any(isinstance(piece, Break) or piece.text.strip() for piece in pieces) else None
