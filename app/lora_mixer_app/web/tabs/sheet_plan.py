"""From the choices on the sheet tab to a plan: axes of LoRA strengths, words and numbers around one request."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from lora_mixer.errors import ConfigError
from lora_mixer.promptfile import PromptFile
from lora_mixer.promptfile.axes import Axis, field_axis, lora_axis, loras_axis, replace_axis
from lora_mixer.promptfile.expand import expand
from lora_mixer.promptfile.plan import PromptEntry
from lora_mixer.promptfile.ranges import numbers, whole_numbers
from lora_mixer.request import RenderRequest

MOST_CELLS = 400
"""How many pictures one sheet of the page may have; a prompt file on the command line may have more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisChoice:
    """What somebody chose for one side of a sheet.

    Attributes:
        kind: A key of `KINDS`; anything else is no axis.
        lora: The LoRA whose strength varies.
        values: What they typed.
    """

    kind: str = ""
    lora: str | None = None
    values: str = ""


def words(text: str) -> tuple[str, ...]:
    """Return the values of a text: its lines if it has several, else what commas part, quotes around commas kept.

    >>> words('cat, "dog, sitting"')
    ('cat', 'dog, sitting')

    Raises:
        ConfigError: It holds none.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        (row,) = csv.reader(lines, skipinitialspace=True)
        lines = [value.strip() for value in row if value.strip()]
    if not lines:
        raise ConfigError("an axis has no values", remedy="Write them with commas between, or one a line.")
    return tuple(lines)


def _lora(choice: AxisChoice, without: bool) -> Axis:  # noqa: FBT001 a column of the table
    if not choice.lora:
        raise ConfigError("no LoRA is chosen for the axis of strengths", remedy="Choose one beside it.")
    return lora_axis(choice.lora, numbers(choice.values), without=without)


def _loras(choice: AxisChoice, without: bool) -> Axis:  # noqa: FBT001
    return loras_axis(words(choice.values), 1.0, without=without)


def _whole(field: str) -> Callable[[AxisChoice, bool], Axis]:
    return lambda choice, _: field_axis(field, whole_numbers(choice.values))


def _texts(field: str) -> Callable[[AxisChoice, bool], Axis]:
    return lambda choice, _: field_axis(field, words(choice.values))


KINDS: Mapping[str, Callable[[AxisChoice, bool], Axis]] = MappingProxyType(
    {
        "strength": _lora,
        "loras": _loras,
        "replace": lambda choice, _: replace_axis(words(choice.values)),
        "prompt": _texts("prompt"),
        "seed": _whole("seed"),
        "sampler": _texts("sampler"),
        "schedule": _texts("schedule"),
        "steps": _whole("steps"),
        "cfg": lambda choice, _: field_axis("cfg", numbers(choice.values)),
        "clip_skip": _whole("clip_skip"),
    }
)
"""What may vary: the axis it makes of the values, and of whether a place without LoRA comes first."""


def plan_sheet(base: RenderRequest, choices: Sequence[AxisChoice], *, without: bool) -> PromptFile:
    """Return the plan of a sheet.

    Args:
        base: What all cells have in common.
        choices: Columns, rows, and what makes one block of rows after the other.
        without: Begin every axis of LoRAs with a place without it.

    Raises:
        ConfigError: An axis cannot be read, none is chosen, or there are too many cells.
    """
    columns, rows, blocks = (
        KINDS[choice.kind](choice, without) if choice.kind in KINDS else None for choice in choices
    )
    if columns is None and rows is None:
        columns, blocks = blocks, None
    if columns is None and rows is None:
        raise ConfigError("nothing varies", remedy="Choose what the columns or rows of the sheet vary.")
    sides = [len(axis.points) for axis in (columns, rows, blocks) if axis is not None]
    _require_few(sides)
    wishes = _wishes(base, blocks)
    jobs, sheet = expand(wishes, columns=columns, rows=rows, title="")
    return PromptFile(path=Path("sheet"), jobs=jobs, sheet=replace(sheet, title=_title(base)))


def _wishes(base: RenderRequest, blocks: Axis | None) -> tuple[PromptEntry, ...]:
    if blocks is None:
        return (PromptEntry(name="", request=base, line=1),)
    return tuple(PromptEntry(name=point.label, request=point.change(base), line=1) for point in blocks.points)


def _require_few(sides: Sequence[int]) -> None:
    count = 1
    for side in sides:
        count *= side
    if count > MOST_CELLS:
        raise ConfigError(
            f"{' x '.join(map(str, sides))} are {count} pictures", remedy=f"Use at most {MOST_CELLS}, or a prompt file."
        )


def _title(base: RenderRequest) -> str:
    return " ".join(base.prompt.split())[:120]
