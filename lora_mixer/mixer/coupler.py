"""Conditions of a picture's texts and of those that are read in its regions in their stead.

Texts that come to the same under the same mix are one, so that regions that say what the picture says change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from lora_mixer.blend import Area, Share, Stack, StackRow, WeightedAdapter
from lora_mixer.blend.shares import REST
from lora_mixer.mixer.blending import Blending
from lora_mixer.mixer.regions import RegionCourse, RegionMoment, RegionText
from lora_mixer.mixes import LoraUse
from lora_mixer.pipeline import Condition
from lora_mixer.places import Rectangle
from lora_mixer.prompt import Part, Piece

CELL = 8
"""Pixels a side of a cell of the latent at which edges are drawn."""

SOMEWHERE = Rectangle(left=0.0, top=0.0, right=0.5, bottom=0.5)
"""Stands for a place that is not found yet, in jobs that are looked at and not rendered."""


def areas_of(courses: Sequence[RegionCourse]) -> tuple[Area, ...]:
    """Return where regions lie."""
    return tuple(
        Area(
            mask=SOMEWHERE if course.region.mask is None else course.region.mask,
            weight=course.region.weight,
            feather=course.region.feather,
            crop=course.crop,
        )
        for course in courses
    )


class RegionMix(NamedTuple):
    """What a region reads and what acts there: the picture's mix as it is there, and the region's own LoRAs."""

    pieces: tuple[Piece, ...] | None
    base: Stack
    own: tuple[WeightedAdapter, ...]


class Coupler:
    """Makes conditions of a picture's texts and of those of its regions.

    Args:
        courses: The regions.
        blending: Makes mixes of LoRAs.
    """

    def __init__(self, courses: Sequence[RegionCourse], blending: Blending) -> None:
        self._courses = tuple(courses)
        self._areas = areas_of(courses)
        self._words = [course.words for course in courses]
        self.blending = blending
        settings = blending.settings
        self._size = max(settings.height // CELL, 1), max(settings.width // CELL, 1)

    def at(self, step: int, asked: Sequence[LoraUse]) -> tuple[list[RegionMoment], list[LoraUse]]:
        """Return the regions at a step, and which of the picture's LoRAs none of them holds.

        Args:
            step: The step.
            asked: The picture's LoRAs at that step.
        """
        held = {name for course in self._courses for name in course.holds}
        moments = [course.at(step, asked) for course in self._courses]
        return moments, [use for use in asked if use.name not in held]

    def mixes(
        self,
        texts: Sequence[RegionText],
        rows: Sequence[StackRow],
        uses: Sequence[LoraUse],
        parts: Sequence[Part],
        beside: Sequence[LoraUse] = (),
    ) -> list[list[RegionMix]]:
        """Return what acts in each region, for every row: the picture's LoRAs balanced with its own, if they are to be.

        Args:
            texts: What the regions read, and their LoRAs.
            rows: The picture's mixes.
            uses: The picture's LoRAs.
            parts: What the picture shows.
            beside: The picture's LoRAs that act on its negative text alone.
        """
        found: list[list[RegionMix]] = [[] for _ in rows]
        for text in texts:
            among = text.loras if self.blending.balances else ()
            own = (*self.blending.balanced(uses if among else (), text.loras)[1], *self.blending.placed(text.beside))
            bases = self.blending.rows(uses, parts, beside=beside, among=among) if among else rows
            for mixes, base in zip(found, bases, strict=True):
                mixes.append(RegionMix(text.pieces, base.stack, own))
        return found

    def condition(
        self,
        pieces: tuple[Piece, ...],
        stack: Stack,
        regions: Sequence[RegionMix],
        *,
        weight: float = 1.0,
        negative: bool = False,
    ) -> Condition:
        """Return the condition of one text of the picture and those that are read in its stead in regions.

        Args:
            pieces: The picture's text.
            stack: The picture's mix.
            regions: What each region reads, and what acts there, in the order of the areas.
            weight: Factor on the guidance.
            negative: It is what to steer away from.
        """
        if not regions:
            return Condition(pieces=pieces, stack=stack, weight=weight, negative=negative)
        first, *others = (
            Condition(
                pieces=said,
                stack=mix,
                negative=negative,
                share=None if share.everything else share,
                hushed=() if negative or said != pieces else self._hushed(),
            )
            for (said, mix), share in self._read(pieces, stack, regions)
        )
        own = [placed for number, region in enumerate(regions) for placed in self._masked(region.own, {number})]
        over = self.blending.joined(self._base_over(stack, regions), own)
        return replace(first, weight=weight, others=tuple(others), over=None if over == first.stack else over)

    def _read(
        self, pieces: tuple[Piece, ...], stack: Stack, regions: Sequence[RegionMix]
    ) -> list[tuple[tuple[tuple[Piece, ...], Stack], Share]]:
        """Return the texts that are read anywhere, each with its mix and its share."""
        alike: dict[tuple[tuple[Piece, ...], Stack], set[int]] = {(pieces, stack): {REST}}
        for number, region in enumerate(regions):
            mix = self.blending.joined(region.base, region.own) if region.own else region.base
            alike.setdefault((pieces if region.pieces is None else region.pieces, mix), set()).add(number)
        shares = ((text, self._share(members)) for text, members in alike.items())
        return [(text, share) for text, share in shares if not share.nothing]

    def _hushed(self) -> tuple[tuple[str, Share], ...]:
        """Return the words of each region with where the others lie that have words."""
        named = {number for number, words in enumerate(self._words) if words}
        pairs = ((self._words[number], named - {number}) for number in sorted(named))
        return tuple((words, self._share(others)) for words, others in pairs if others)

    def _base_over(self, stack: Stack, regions: Sequence[RegionMix]) -> Stack:
        """Return the picture's mix as it acts over the picture, where it is balanced otherwise in regions."""
        if all(region.base == stack for region in regions):
            return stack
        mixes = {REST: stack} | {number: region.base for number, region in enumerate(regions)}
        found: list[tuple[WeightedAdapter, set[int]]] = []
        for number, mix in mixes.items():
            free = list(found)
            for placed in mix.placed:
                same = next((one for one in free if one[0] == placed), None)
                if same is None:
                    found.append((placed, {number}))
                else:
                    free.remove(same)
                    same[1].add(number)
        return Stack([masked for placed, members in found for masked in self._masked([placed], members)])

    def _masked(self, placed: Sequence[WeightedAdapter], members: Iterable[int]) -> list[WeightedAdapter]:
        """Return LoRAs as they act over the picture where some regions lie."""
        share = self._share(members) if placed else None
        if share is None or share.nothing:
            return []
        place = None if share.everything else share
        return [replace(one, share=place) for one in placed]

    def _share(self, members: Iterable[int]) -> Share:
        height, width = self._size
        return Share(areas=self._areas, members=frozenset(members), height=height, width=width)
