"""Axes of a sheet: one thing that varies along its rows or columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from lora_mixer.errors import ConfigError
from lora_mixer.request import LoraUse, RenderRequest, Strength

MAX_VALUES = 1000
_RANGE = re.compile(
    r"\s*(?P<low>-?\d*\.?\d+)\s*(?:\.\.|-)\s*(?P<high>-?\d*\.?\d+)\s*(?:[:\[]\s*(?P<count>\d+)\s*\]?|\(\s*\+?(?P<step>\d*\.?\d+)\s*\))\s*"
)


class Point(NamedTuple):
    """One place on an axis: its label and what it does to a request."""

    label: str
    change: Callable[[RenderRequest], RenderRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """What varies along one side of a sheet."""

    points: tuple[Point, ...]


def lora_axis(name: str, strengths: Sequence[float]) -> Axis:
    """Return the axis of one adapter's strength; it is set, not added to what the request already says.

    >>> [point.label for point in lora_axis("ink", [0, 0.5]).points]
    ['ink 0', 'ink 0.5']
    """

    def at(value: float) -> Callable[[RenderRequest], RenderRequest]:
        def change(request: RenderRequest) -> RenderRequest:
            others = tuple(use for use in request.loras if use.name != name)
            return replace(request, loras=(*others, LoraUse(name=name, strength=Strength(unet=value))))

        return change

    return Axis(points=tuple(Point(f"{name} {value:g}", at(value)) for value in strengths))


def field_axis(field: str, values: Sequence[object]) -> Axis:
    """Return the axis of one field of the request (`prompt`, `seed`, `steps`, `cfg`, `sampler`, ...)."""

    def at(value: object) -> Callable[[RenderRequest], RenderRequest]:
        return lambda request: replace(request, **{field: value})  # type: ignore[arg-type]  # the schema named the field

    return Axis(points=tuple(Point(_label(field, value), at(value)) for value in values))


def _label(field: str, value: object) -> str:
    return str(value) if field in {"prompt", "sampler", "schedule"} else f"{field} {value}"


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers a range or list spells.

    >>> numbers("0..1:5")
    (0.0, 0.25, 0.5, 0.75, 1.0)
    >>> numbers("0-1 [3]")
    (0.0, 0.5, 1.0)
    >>> numbers("1-2 (+0.5)")
    (1.0, 1.5, 2.0)
    >>> numbers("0, 0.5, 1")
    (0.0, 0.5, 1.0)

    Raises:
        ConfigError: It is neither.
    """
    match = _RANGE.fullmatch(text)
    if match is not None:
        return _span(float(match["low"]), float(match["high"]), match["count"], match["step"])
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"{text!r} is no list of numbers", remedy="Write 0, 0.5, 1 or 0..1:5 (five values from 0 to 1)."
        ) from None


def _span(low: float, high: float, count: str | None, step: str | None) -> tuple[float, ...]:
    if step is not None:
        if not float(step):
            raise ConfigError("a range with step 0 never ends")
        many = int((high - low) / float(step) + 1e-9) + 1
        stride = float(step)
    else:
        many = int(count or 2)
        stride = (high - low) / max(many - 1, 1)
    if not 1 <= many <= MAX_VALUES:
        raise ConfigError(f"a range of {many} values", remedy=f"Use 1 to {MAX_VALUES}.")
    return tuple(round(low + stride * index, 6) for index in range(many))
