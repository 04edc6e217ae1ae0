"""One adapter's strength set where the adapter stands: in lists of LoRAs, in tags of prompts, in regions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

from lora_mixer.errors import PromptError
from lora_mixer.mixes import LoraUse, Strength
from lora_mixer.prompt import (
    TagPlace,
    negative_starts,
    parse_tag,
    region_starts,
    rewritten_tags,
    tag_places,
    tag_text,
)
from lora_mixer.regions import Region
from lora_mixer.request import RenderRequest

OWN = 0
"""The place of what stands in front of a prompt's first region."""


class Texts(NamedTuple):
    """A prompt and its negative prompt, which are None where they are as elsewhere."""

    prompt: str | None
    negative: str | None


def with_strength(request: RenderRequest, name: str, strength: float, same: Callable[[str], bool]) -> RenderRequest:
    """Return a request with an adapter at one strength, for the denoiser and the text encoders, wherever it stands.

    Its mask, blocks, curve and schedule stay. A place is the picture, its negative prompt, a region, or a prompt of the
    second pass; where several uses would be added up in one place, one is left. An adapter that stands nowhere comes
    into the picture's list.

    Args:
        request: What somebody asks for.
        name: The adapter, as a list is to call it.
        strength: The strength.
        same: Tells whether a name is the adapter's.
    """
    one = _OneStrength(name=name, strength=strength, same=same, grammar=request.grammar or "default")
    if not one.stands(request):
        return replace(request, loras=(*request.loras, LoraUse(name, Strength(strength))))
    listed = one.is_listed(request.loras)
    prompt, negative = one.texts(Texts(request.prompt, request.negative), listed=listed)
    hires = request.hires
    if hires is not None:
        second = one.texts(Texts(hires.prompt, hires.negative), listed=listed, beside=request.prompt)
        hires = replace(hires, prompt=second.prompt, negative=second.negative)
    return replace(
        request,
        prompt=prompt or "",
        negative=negative,
        loras=one.uses(request.loras),
        regions=tuple(map(one.region, request.regions)),
        hires=hires,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneStrength:
    """An adapter and the strength it is to have."""

    name: str
    strength: float
    same: Callable[[str], bool]
    grammar: str

    def stands(self, request: RenderRequest) -> bool:
        """Return whether the adapter is anywhere in a request."""
        lists = (request.loras, *(region.loras for region in request.regions))
        return any(map(self.is_listed, lists)) or any(map(self._is_tagged, _texts_of(request)))

    def is_listed(self, uses: Sequence[LoraUse]) -> bool:
        """Return whether the adapter is among these."""
        return any(self.same(use.name) for use in uses)

    def uses(self, uses: Sequence[LoraUse]) -> tuple[LoraUse, ...]:
        """Return a list with the adapter at its strength, behind the others; uses that became alike are one."""
        others = [use for use in uses if not self.same(use.name)]
        changed: list[LoraUse] = []
        for use in uses:
            if self.same(use.name):
                strength = replace(use.strength, denoiser=self.strength, text=MappingProxyType({}))
                now = LoraUse(self.name, strength)
                changed += [] if now in changed else [now]
        return (*others, *changed)

    def region(self, region: Region) -> Region:
        """Return a region with the adapter at its strength, if it stands there."""
        listed = self.is_listed(region.loras)
        prompt, negative = self.texts(Texts(region.prompt, region.negative), listed=listed)
        return replace(region, prompt=prompt or "", negative=negative, loras=self.uses(region.loras))

    def texts(self, texts: Texts, *, listed: bool, beside: str = "") -> Texts:
        """Return prompts with the adapter's tags at its strength; without those that would add to what is there already.

        Args:
            texts: The prompts.
            listed: The adapter is in the list that goes with them.
            beside: The prompt that is read with the negative one where there is none here.
        """
        prompt, negative = texts
        read = beside if prompt is None else prompt
        starts = starts_of(read, self.grammar)
        there = {OWN} if listed else set[int]()
        changed = None if prompt is None else self._rewritten(prompt, starts, there, negative=False)
        if negative is None:
            return Texts(changed, None)
        tags = tag_places(read, grammar=self.grammar)
        there |= {bisect_right(starts, tag.at) for tag in tags if self.same(tag.name)}
        starts = negative_starts_of(read, negative, self.grammar)
        return Texts(changed, self._rewritten(negative, starts, there, negative=True))

    def _is_tagged(self, texts: Texts) -> bool:
        tags = (tag_places(text or "", grammar=self.grammar, negative=bool(at)) for at, text in enumerate(texts))
        return any(self.same(place.name) for places in tags for place in places)

    def _rewritten(self, text: str, starts: Sequence[int], there: Set[int], *, negative: bool) -> str:
        """Return a text with one tag of the adapter in each place, none where it is there already."""
        done = set(there)

        def rewrite(tag: TagPlace) -> str | None:
            if not self.same(tag.name):
                return None
            place = bisect_right(starts, tag.at)
            if place in done:
                return ""
            done.add(place)
            return self._tag(text[tag.at : tag.end])

        return rewritten_tags(text, rewrite, grammar=self.grammar, negative=negative)

    def _tag(self, written: str) -> str:
        try:
            tag = parse_tag(written, 0, len(written))
        except PromptError:  # told where prompts are read
            return written
        return tag_text(replace(tag, text=self.strength, denoiser=None, hires_text=None, hires_denoiser=None))


def starts_of(prompt: str, grammar: str) -> tuple[int, ...]:
    """Return where the texts of a prompt's regions begin; none where they cannot be read."""
    try:
        return region_starts(prompt, grammar=grammar)
    except PromptError:  # told where prompts are read
        return ()


def negative_starts_of(prompt: str, negative: str, grammar: str) -> tuple[int, ...]:
    """Return where the parts of a negative prompt begin that go to a prompt's regions; none where they cannot be read."""
    try:
        return negative_starts(prompt, negative, grammar=grammar)
    except PromptError:  # told where prompts are read
        return ()


def _texts_of(request: RenderRequest) -> Iterator[Texts]:
    yield Texts(request.prompt, request.negative)
    if request.hires is not None:
        yield Texts(request.hires.prompt, request.hires.negative)
    yield from (Texts(region.prompt, region.negative) for region in request.regions)
