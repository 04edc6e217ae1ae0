"""A mix set as the picture's own: in its list of LoRAs, in the stead of the tags of its prompts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

from lora_mixer.choices import SUM
from lora_mixer.mixes import Mix
from lora_mixer.prompt import rewritten_tags
from lora_mixer.promptfile.set_strength import negative_starts_of, starts_of
from lora_mixer.request import RenderRequest


def with_mix(request: RenderRequest, mix: Mix, named: Callable[[str], bool]) -> RenderRequest:
    """Return a request whose picture has a mix in the stead of what it has of some adapters.

    They leave the picture's list, its own part of each prompt, and its negative prompts; other adapters stay. What a region
    has of its own stays, too, whether it stands in a table, behind the region's place in a prompt, or in its part of a
    negative prompt that is divided.

    Args:
        request: What somebody asks for.
        mix: The mix; where it says no method, the request's stays.
        named: Tells whether a name is that of an adapter that leaves.
    """
    texts = _Texts(named, request.grammar or "default")
    hires = request.hires
    if hires is not None:
        second = request.prompt if hires.prompt is None else hires.prompt
        hires = replace(hires, prompt=texts.prompt(hires.prompt), negative=texts.negative(hires.negative, second))
    return replace(
        request,
        prompt=texts.prompt(request.prompt) or "",
        negative=texts.negative(request.negative, request.prompt),
        hires=hires,
        loras=(*(use for use in request.loras if not named(use.name)), *mix.uses),
        method=request.method if mix.method == SUM.row.name else mix.method,
    )


class _Texts:
    """Prompts without the tags of adapters that leave the picture; None stays None."""

    def __init__(self, named: Callable[[str], bool], grammar: str) -> None:
        self._named, self._grammar = named, grammar

    def prompt(self, text: str | None) -> str | None:
        return None if text is None else self._without(text, starts_of(text, self._grammar), negative=False)

    def negative(self, text: str | None, beside: str) -> str | None:
        """Return a negative prompt that is read beside a prompt."""
        if text is None:
            return None
        return self._without(text, negative_starts_of(beside, text, self._grammar), negative=True)

    def _without(self, text: str, regions: Sequence[int], *, negative: bool) -> str:
        end = min(regions, default=sys.maxsize)  # what stands behind is a region's
        return rewritten_tags(
            text,
            lambda tag: "" if tag.at < end and self._named(tag.name) else None,
            grammar=self._grammar,
            negative=negative,
        )
