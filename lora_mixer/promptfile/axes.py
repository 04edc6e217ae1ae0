"""Axes of a sheet: one thing that varies along its columns or rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lora_mixer.catalog import same_spelling
from lora_mixer.errors import ConfigError
from lora_mixer.hires import Hires
from lora_mixer.mixes import Mix
from lora_mixer.morph import label, path, weighted
from lora_mixer.promptfile.set_mix import with_mix
from lora_mixer.promptfile.set_strength import with_strength
from lora_mixer.request import RenderRequest

WIDEST_LABEL = 160
HIRES = "hires_"
"""Begins the name of a field of the second pass."""

Same = Callable[[str, str], bool]
"""Whether two names are one adapter's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisValue:
    """One place on an axis: its label and what it does to a request."""

    label: str
    change: Callable[[RenderRequest], RenderRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What varies along one side of a sheet.

    Attributes:
        points: Its places in order.
        seeds: The axis sets the seed; else all places of one job share theirs.
    """

    points: tuple[AxisValue, ...]
    seeds: bool = False


def lora_axis(name: str, strengths: Sequence[float], *, without: bool = True, same: Same = same_spelling) -> Axis:
    """Return the axis of one adapter's strength, which is set wherever the job and its prompts have that adapter.

    Args:
        name: The adapter.
        strengths: Its strengths in order.
        without: Begin with a place without the adapter if 0 is not among the strengths.
        same: Tells whether two names are one adapter's.

    >>> [point.label for point in lora_axis("ink", [0.5, 1]).points]
    ['no ink', 'ink 0.5', 'ink 1']
    """
    first = (AxisValue(label=f"no {name}", change=_mixing(name, 0.0, same)),) if without and 0 not in strengths else ()
    places = tuple(AxisValue(label=f"{name} {value:g}", change=_mixing(name, value, same)) for value in strengths)
    return Axis(points=(*first, *places))


def loras_axis(names: Sequence[str], strength: float, *, without: bool = True, same: Same = same_spelling) -> Axis:
    """Return the axis that compares adapters, one at a time at one strength."""
    first = (AxisValue(label="no LoRA", change=lambda request: request),) if without else ()
    places = tuple(AxisValue(label=f"{name} {strength:g}", change=_mixing(name, strength, same)) for name in names)
    return Axis(points=(*first, *places))


def morph_axis(mixes: Sequence[Mix], places: int, *, loop: bool = False, same: Same = same_spelling) -> Axis:
    """Return the axis of a way from mix to mix; other LoRAs of a job stay, and a region's own.

    >>> [point.label for point in morph_axis([Mix({"ink": 1.0}), Mix({"sepia": 1.0})], 3).points]
    ['ink 1', 'ink 0.5, sepia 0.5', 'sepia 1']

    Raises:
        RequestError: They are fewer than two, or have different methods.
    """
    names = {use.name for mix in mixes for use in mix.uses}
    there = [weighted(mixes, weights) for weights in path(len(mixes), places, loop=loop)]
    return Axis(points=tuple(AxisValue(label=label(mix), change=_morphing(mix, names, same)) for mix in there))


def field_axis(field: str, values: Sequence[object]) -> Axis:
    """Return the axis of one field of the request (`prompt`, `seed`, `cfg`, ...) or of its second pass (`hires_...`)."""
    points = tuple(AxisValue(label=_label(field, value), change=_setting(field, value)) for value in values)
    return Axis(points=points, seeds=field == "seed")


def replace_axis(words: Sequence[str]) -> Axis:
    """Return the axis that puts each of the words in the place of the first one, in prompt and negative prompt."""
    return Axis(points=tuple(AxisValue(label=word, change=_replacing(words[0], word)) for word in words))


def _mixing(name: str, strength: float, same: Same) -> Callable[[RenderRequest], RenderRequest]:
    return lambda request: with_strength(request, name, strength, partial(same, name))


def _morphing(mix: Mix, names: Collection[str], same: Same) -> Callable[[RenderRequest], RenderRequest]:
    return partial(with_mix, mix=mix, named=lambda other: any(same(name, other) for name in names))


def _setting(field: str, value: object) -> Callable[[RenderRequest], RenderRequest]:
    values: dict[str, Any] = {field.removeprefix(HIRES): value}
    if field.startswith(HIRES):
        return lambda request: replace(request, hires=Hires(**values).over(request.hires))
    return lambda request: replace(request, **values)


def _replacing(old: str, new: str) -> Callable[[RenderRequest], RenderRequest]:
    def change(request: RenderRequest) -> RenderRequest:
        negative = request.negative
        if old not in request.prompt and old not in (negative or ""):
            raise ConfigError(
                f"{old!r} stands in no prompt, so nothing can be put in its place",
                remedy="The first word of the axis must stand in the prompt or the negative prompt.",
            )
        return replace(
            request,
            prompt=request.prompt.replace(old, new),
            negative=None if negative is None else negative.replace(old, new),
        )

    return change


def _label(field: str, value: object) -> str:
    if isinstance(value, str):
        return str(value)[:WIDEST_LABEL]
    said = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{field.replace('_', ' ')} {said}"
