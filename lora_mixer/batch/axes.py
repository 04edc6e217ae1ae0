"""Axes of a sheet: one thing that varies along its columns or rows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lora_mixer.errors import ConfigError
from lora_mixer.request import LoraUse, RenderRequest, Strength

MAX_POINTS = 1000
WIDEST_LABEL = 160
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_RANGE = re.compile(
    rf"(?P<low>{_NUMBER})\s*(?:\.\.|-)\s*(?P<high>{_NUMBER})\s*"
    rf"(?::\s*(?P<count>\d+)|\[\s*(?P<boxed>\d+)\s*\]|\(\s*(?P<step>{_NUMBER})\s*\))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
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

    points: tuple[Point, ...]
    seeds: bool = False


def lora_axis(name: str, strengths: Sequence[float], *, without: bool = True) -> Axis:
    """Return the axis of one adapter's strength, which is set, whatever the job itself says of that adapter.

    Args:
        name: The adapter.
        strengths: Its strengths in order.
        without: Begin with a place without the adapter if 0 is not among the strengths.

    >>> [point.label for point in lora_axis("ink", [0.5, 1]).points]
    ['no ink', 'ink 0.5', 'ink 1']
    """
    first = (Point(label=f"no {name}", change=_mixing(name, 0.0)),) if without and 0 not in strengths else ()
    places = tuple(Point(label=f"{name} {value:g}", change=_mixing(name, value)) for value in strengths)
    return Axis(points=(*first, *places))


def loras_axis(names: Sequence[str], strength: float, *, without: bool = True) -> Axis:
    """Return the axis that compares adapters, one at a time at one strength."""
    first = (Point(label="no LoRA", change=lambda request: request),) if without else ()
    places = tuple(Point(label=f"{name} {strength:g}", change=_mixing(name, strength)) for name in names)
    return Axis(points=(*first, *places))


def field_axis(field: str, values: Sequence[object]) -> Axis:
    """Return the axis of one field of the request (`prompt`, `seed`, `steps`, `cfg`, `sampler`, ...)."""
    points = tuple(Point(label=_label(field, value), change=_setting(field, value)) for value in values)
    return Axis(points=points, seeds=field == "seed")


def replace_axis(words: Sequence[str]) -> Axis:
    """Return the axis that puts each of the words in the place of the first one, in prompt and negative prompt."""
    return Axis(points=tuple(Point(label=word, change=_replacing(words[0], word)) for word in words))


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers that a list or a range spells; a range without a count goes in steps of one.

    >>> numbers("0..1:5")
    (0.0, 0.25, 0.5, 0.75, 1.0)
    >>> numbers("0-1 [3]")
    (0.0, 0.5, 1.0)
    >>> numbers("1-2 (+0.5)")
    (1.0, 1.5, 2.0)
    >>> numbers("0, 0.5, 1-3")
    (0.0, 0.5, 1.0, 2.0, 3.0)

    Raises:
        ConfigError: It spells none, or too many.
    """
    values: list[float] = []
    for part in text.split(","):
        values += _span(part.strip())
        if len(values) > MAX_POINTS:
            raise ConfigError(f"more than {MAX_POINTS} values on one axis", remedy="Use fewer.")
    return tuple(values)


def _span(part: str) -> tuple[float, ...]:
    match = _RANGE.fullmatch(part)
    if match is None:
        return (_number(part),)
    low, high = float(match["low"]), float(match["high"])
    count = match["count"] or match["boxed"]
    if count is not None:
        return _counted(low, high, int(count[:9]))
    step = abs(float(match["step"])) if match["step"] else 1.0
    if not step:
        raise ConfigError(f"{part} has a step of 0", remedy="Use a step such as (+0.25).")
    return _stepped(low, high, step)


def _counted(low: float, high: float, count: int) -> tuple[float, ...]:
    if not 1 <= count <= MAX_POINTS:
        raise ConfigError(f"a range of {count} values", remedy=f"Use 1 to {MAX_POINTS}.")
    stride = (high - low) / max(count - 1, 1)
    return tuple(round(low + stride * index, 6) for index in range(count))


def _stepped(low: float, high: float, step: float) -> tuple[float, ...]:
    count = math.floor(min(abs(high - low) / step, MAX_POINTS) + 1e-9) + 1
    if count > MAX_POINTS:
        raise ConfigError(f"a range of more than {MAX_POINTS} values", remedy="Use a larger step.")
    stride = math.copysign(step, high - low)
    return tuple(round(low + stride * index, 6) for index in range(count))


def _number(part: str) -> float:
    try:
        value = float(part)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigError(
            f"{part[:40]!r} is no number", remedy="Write 0, 0.5, 1 or a range: 0..1:5 is five values from 0 to 1."
        )
    return value


def _mixing(name: str, strength: float) -> Callable[[RenderRequest], RenderRequest]:
    def change(request: RenderRequest) -> RenderRequest:
        others = tuple(use for use in request.loras if use.name != name)
        return replace(request, loras=(*others, LoraUse(name=name, strength=Strength(unet=strength))))

    return change


def _setting(field: str, value: object) -> Callable[[RenderRequest], RenderRequest]:
    values: dict[str, Any] = {field: value}
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
    if field in {"prompt", "negative", "sampler", "schedule"}:
        return str(value)[:WIDEST_LABEL]
    said = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{field.replace('_', ' ')} {said}"
