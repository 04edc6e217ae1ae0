"""Regions of a picture as conditions: which text is read where, under which mix, and which LoRAs act over what.

In a region its own text is read in the place of the picture's, under the picture's LoRAs and its own; over the picture each
LoRA acts where its region lies. Texts that come to the same under the same mix are one, so that regions that say what the
picture says change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lora_mixer.blend import Area, Share, Stack, WeightedAdapter
from lora_mixer.blend.shares import REST
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.mixer.blending import Blending
from lora_mixer.mixer.second_pass import ended
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import Condition
from lora_mixer.places import Rectangle
from lora_mixer.prompt import Break, Piece, Prompt, Span, parse
from lora_mixer.regions import Region
from lora_mixer.request import RenderRequest, Settings

CELL = 8
"""Pixels a side of a cell of the latent at which edges are drawn."""

SOMEWHERE = Rectangle(left=0.0, top=0.0, right=0.5, bottom=0.5)
"""Stands for a place that is not found yet, in jobs that are looked at and not rendered."""

RegionText = tuple[tuple[Piece, ...] | None, tuple[LoraUse, ...]]
"""What a region reads (None: the picture's text), and the LoRAs that act in it."""


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
    """

    region: Region
    positive: tuple[Span, ...]
    negative: tuple[Span, ...] = ()

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

    def at(self, step: int) -> RegionMoment:
        """Return what it is at a step."""
        said = span_at(self.positive, step)
        away = span_at(self.negative, step) if self.negative else None
        asked = (*self.region.loras, *said.loras)
        both = tuple(use for use in asked if not use.strength.negative)
        only_away = (*(use for use in asked if use.strength.negative), *(() if away is None else away.loras))
        return RegionMoment(
            towards=(_own(pieces_of(said)), both),
            away=(None if away is None else pieces_of(away), (*both, *only_away)),
        )


def courses_of(settings: Settings, spans: Callable[[Prompt], Sequence[Span]]) -> tuple[RegionCourse, ...]:
    """Return the regions that act in a pass, in an order that does not depend on theirs.

    Args:
        settings: The pass's.
        spans: What a prompt says at each step.

    Raises:
        PromptError: A region's prompt cannot be read.
    """

    def read(text: str, *, negative: bool = False) -> tuple[Span, ...]:
        return tuple(spans(parse(text, grammar=settings.grammar, negative=negative)))

    return tuple(
        RegionCourse(
            region=region,
            positive=read(region.prompt),
            negative=() if region.negative is None else read(region.negative, negative=True),
        )
        for region in sorted(settings.regions, key=repr)
        if region.weight > 0.0
    )


def span_at(spans: Iterable[Span], step: int) -> Span:
    """Return the span that a step lies in."""
    return next(span for span in spans if span.start <= step < span.stop)


def held(request: RenderRequest) -> RenderRequest:
    """Return a request whose regions hold their masks, wherever they lay.

    Raises:
        FileError: A mask cannot be read.
    """
    if not any(isinstance(region.mask, Path) for region in request.regions):
        return request
    return replace(request, regions=tuple(map(_held, request.regions)))


def areas_of(courses: Sequence[RegionCourse]) -> tuple[Area, ...]:
    """Return where regions lie."""
    return tuple(
        Area(
            mask=SOMEWHERE if course.region.mask is None else course.region.mask,
            weight=course.region.weight,
            feather=course.region.feather,
        )
        for course in courses
    )


class Coupler:
    """Makes conditions of a picture's texts and of those of its regions.

    Args:
        areas: Where the regions lie.
        blending: Makes mixes of LoRAs.
    """

    def __init__(self, areas: Sequence[Area], blending: Blending) -> None:
        self._areas = tuple(areas)
        self.blending = blending
        settings = blending.settings
        self._size = max(settings.height // CELL, 1), max(settings.width // CELL, 1)

    def condition(
        self,
        pieces: tuple[Piece, ...],
        stack: Stack,
        regions: Sequence[RegionText],
        *,
        weight: float = 1.0,
        negative: bool = False,
    ) -> Condition:
        """Return the condition of one text of the picture and those that are read in its stead in regions.

        Args:
            pieces: The picture's text.
            stack: The picture's mix.
            regions: What each region reads, and its LoRAs, in the order of the areas.
            weight: Factor on the guidance.
            negative: It is what to steer away from.
        """
        if not regions:
            return Condition(pieces=pieces, stack=stack, weight=weight, negative=negative)
        first, *others = (
            Condition(pieces=said, stack=mix, negative=negative, share=None if share.everything else share)
            for (said, mix), share in self._read(pieces, stack, regions)
        )
        own = [placed for number, (_, uses) in enumerate(regions) for placed in self._over(uses, number)]
        over = self.blending.joined(stack, own)
        return replace(first, weight=weight, others=tuple(others), over=None if over == first.stack else over)

    def _read(
        self, pieces: tuple[Piece, ...], stack: Stack, regions: Sequence[RegionText]
    ) -> list[tuple[tuple[tuple[Piece, ...], Stack], Share]]:
        """Return the texts that are read anywhere, each with its mix and its share."""
        alike: dict[tuple[tuple[Piece, ...], Stack], set[int]] = {(pieces, stack): {REST}}
        for number, (own, uses) in enumerate(regions):
            mix = self.blending.joined(stack, self.blending.placed(uses)) if uses else stack
            alike.setdefault((pieces if own is None else own, mix), set()).add(number)
        shares = ((text, self._share(members)) for text, members in alike.items())
        return [(text, share) for text, share in shares if not share.nothing]

    def _over(self, uses: Sequence[LoraUse], number: int) -> list[WeightedAdapter]:
        """Return a region's LoRAs as they act over the picture."""
        share = self._share({number}) if uses else None
        if share is None or share.nothing:
            return []
        place = None if share.everything else share
        return [replace(placed, share=place) for placed in self.blending.placed(uses)]

    def _share(self, members: Iterable[int]) -> Share:
        height, width = self._size
        return Share(areas=self._areas, members=frozenset(members), height=height, width=width)


def _held(region: Region) -> Region:
    return replace(region, mask=drawn_mask(region.mask)) if isinstance(region.mask, Path) else region


def pieces_of(span: Span) -> tuple[Piece, ...]:
    """Return the whole text of a span."""
    return tuple(piece for part in span.parts for piece in part.text)


def _own(pieces: tuple[Piece, ...]) -> tuple[Piece, ...] | None:
    """Return a region's text, or None where it has none of its own."""
    return pieces if any(isinstance(piece, Break) or piece.text.strip() for piece in pieces) else None
