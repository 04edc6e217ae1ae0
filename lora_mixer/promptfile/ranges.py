"""Lists and ranges of numbers as people write them: one grammar for prompt files, the command line and the page.

| written | meaning |
|---|---|
| `0, 0.5, 1` | these values; a list may hold ranges too |
| `0..1:5`, `0-1 [5]` | five values from 0 to 1 |
| `0..1 (+0.25)`, `0-1 (+0.25)` | from 0 to 1 in steps of 0.25 |
| `1..5`, `1-5` | in steps of one |

A range may run downwards, and its ends may be negative: `-1..1:3`, `-2--1 (+0.5)`. The brackets are those of A1111's
X/Y/Z plot (`scripts/xyz_grid.py`), the colon is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from lora_mixer.errors import ConfigError

MAX_POINTS = 1000
LONGEST_PART = 80
MOST_DIGITS = 20  # before the point: a seed has as many
COMMAS = re.compile("[,，]")  # noqa: RUF001 the comma that a Chinese keyboard writes
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_RANGE = re.compile(
    rf"(?P<low>{_NUMBER})\s*(?:\.\.|-)\s*(?P<high>{_NUMBER})\s*"
    rf"(?::\s*(?P<count>\d+)|\[\s*(?P<boxed>\d+)\s*\]|\(\s*(?P<step>{_NUMBER})\s*\))?"
)
_HOW = "Write 0, 0.5, 1 or a range: 0..1:5 is five values from 0 to 1, 0..1 (+0.25) is steps of 0.25."


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers that a list or a range spells, in its order.

    >>> numbers("0..1:5")
    (0.0, 0.25, 0.5, 0.75, 1.0)
    >>> numbers("0-1 [3]")
    (0.0, 0.5, 1.0)
    >>> numbers("1-2 (+0.5)")
    (1.0, 1.5, 2.0)
    >>> numbers("0, 0.5, 1-3")
    (0.0, 0.5, 1.0, 2.0, 3.0)

    Raises:
        ConfigError: It spells none, or more than 1000.
    """
    return tuple(map(float, _values(text)))


def whole_numbers(text: str) -> tuple[int, ...]:
    """Return the same where only whole numbers mean something (seeds, steps), exactly however large they are.

    >>> whole_numbers("18446744073709551615, 1..3")
    (18446744073709551615, 1, 2, 3)

    Raises:
        ConfigError: As `numbers`, or one of them is not whole.
    """
    values = _values(text)
    for value in values:
        if value != value.to_integral_value():
            raise ConfigError(
                f"{text.strip()[:40]} gives {float(value):g}, which is not a whole number",
                remedy="Write whole numbers such as 1, 2, 3 or a range such as 1..10 (+3).",
            )
    return tuple(map(int, values))


def _values(text: str) -> tuple[Decimal, ...]:
    values: list[Decimal] = []
    for part in COMMAS.split(text):
        values += _span(part.strip())
        if len(values) > MAX_POINTS:
            raise ConfigError(f"more than {MAX_POINTS} values on one axis", remedy="Use fewer.")
    return tuple(values)


def _span(part: str) -> Iterator[Decimal]:
    match = _RANGE.fullmatch(part) if len(part) <= LONGEST_PART else None
    if match is None:
        return iter((_number(part),))
    low, high = _number(match["low"]), _number(match["high"])
    count = match["count"] or match["boxed"]
    if count is not None:
        return _counted(low, high, int(count))
    step = abs(_number(match["step"] or "1"))
    if not step:
        raise ConfigError(f"{part} has a step of 0", remedy="Use a step such as (+0.25).")
    return _stepped(low, high, step)


def _counted(low: Decimal, high: Decimal, count: int) -> Iterator[Decimal]:
    if not 1 <= count <= MAX_POINTS:
        raise ConfigError(f"a range of {count} values", remedy=f"Use 1 to {MAX_POINTS}.")
    return (round(low + (high - low) * index / max(count - 1, 1), 6) for index in range(count))


def _stepped(low: Decimal, high: Decimal, step: Decimal) -> Iterator[Decimal]:
    if abs(high - low) >= step * MAX_POINTS:
        raise ConfigError(f"a range of more than {MAX_POINTS} values", remedy="Use a larger step.")
    stride = step if high >= low else -step
    return (low + stride * index for index in range(int(abs(high - low) // step) + 1))


def _number(part: str) -> Decimal:
    try:
        value = Decimal(part) if len(part) <= LONGEST_PART else Decimal("nan")
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or value.adjusted() >= MOST_DIGITS:
        raise ConfigError(f"{part[:40]!r} is no number" if part else "a value is missing", remedy=_HOW)
    return value
