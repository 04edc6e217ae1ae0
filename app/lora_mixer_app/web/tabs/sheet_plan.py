"""From the choices on the sheet tab to a plan: axes of LoRA strengths, words and numbers around one request."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from lora_mixer.catalog import same_spelling
from lora_mixer.errors import ConfigError
from lora_mixer.promptfile import PromptFile
from lora_mixer.promptfile.axes import Axis, Same
from lora_mixer.promptfile.plan import PromptEntry
from lora_mixer.promptfile.ranges import numbers, whole_numbers
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.toml import SETTINGS, axis_of
from lora_mixer.promptfile.writing import Axis as Side
from lora_mixer.promptfile.writing import prompt_file_text
from lora_mixer.request import RenderRequest
from lora_mixer.settings import Setting
from lora_mixer.settings.kinds import Real, Whole
from lora_mixer_app.web.misplaced import in_field

SHEET = Path("sheet.toml")
"""What a sheet's prompt file is called."""
SIDES = ("columns", "rows", "blocks_of_rows")
"""The axes of a sheet, as the tab has them."""
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


def _lora(choice: AxisChoice, without: bool) -> Side:  # noqa: FBT001 a column of the table
    if not choice.lora:
        raise ConfigError("no LoRA is chosen for the axis of strengths", remedy="Choose one beside it.")
    return {"lora": choice.lora, "strengths": numbers(choice.values), "without": without}


def _loras(choice: AxisChoice, without: bool) -> Side:  # noqa: FBT001
    return {"loras": words(choice.values), "without": without}


def _setting(name: str, setting: Setting) -> Callable[[AxisChoice, bool], Side]:
    """Return how what somebody typed becomes an axis of a setting: numbers or whole numbers or words, as its kind takes."""
    read: Callable[[str], Sequence[object]] = words
    if isinstance(setting.kind, Whole):
        read = whole_numbers
    elif isinstance(setting.kind, Real):
        read = numbers
    return lambda choice, _: {name: read(choice.values)}


KINDS: Mapping[str, Callable[[AxisChoice, bool], Side]] = MappingProxyType(
    {"strength": _lora, "loras": _loras, "replace": lambda choice, _: {"replace": words(choice.values)}}
    | {name: _setting(name, row) for name, row in SETTINGS.items() if row.control is not None or name == "model"}
)
"""What may vary: LoRAs, words, and every setting that the page shows.

Each makes the axis, as prompt files write it, of the values and of whether a place without LoRA comes first.
"""


def plan_sheet(
    base: RenderRequest, choices: Sequence[AxisChoice], *, without: bool, same: Same = same_spelling
) -> PromptFile:
    """Return the plan of a sheet: a prompt file, which a run's folder keeps.

    Args:
        base: What all cells have in common.
        choices: Columns, rows, and what makes one block of rows after the other.
        without: Begin every axis of LoRAs with a place without it.
        same: Tells whether two names are one LoRA's.

    Raises:
        WrongField: An axis cannot be read; the field is one of `SIDES`.
        ConfigError: None is chosen, or there are too many cells.
    """
    columns, rows, blocks = (
        _varied(name, choice, same, without=without) for name, choice in zip(SIDES, choices, strict=True)
    )
    if columns is None and rows is None:
        columns, blocks = blocks, None
    if columns is None and rows is None:
        raise ConfigError("nothing varies", remedy="Choose what the columns or rows of the sheet vary.")
    _require_few([len(each.axis.points) for each in (columns, rows, blocks) if each is not None])
    text = prompt_file_text(
        _entries(base, blocks and blocks.axis),
        columns=columns and columns.side,
        rows=rows and rows.side,
        title=_title(base),
    )
    return read_prompt_text(text, SHEET, strict=True, same=same)


class _Varied(NamedTuple):
    """What an axis varies, as prompt files write it, and read."""

    side: Side
    axis: Axis


def _varied(name: str, choice: AxisChoice, same: Same, *, without: bool) -> _Varied | None:
    """Return what an axis varies; None where it is none."""
    if choice.kind not in KINDS:
        return None
    with in_field(name):
        side = KINDS[choice.kind](choice, without)
        return _Varied(side, axis_of(side, same))


def _entries(base: RenderRequest, blocks: Axis | None) -> tuple[PromptEntry, ...]:
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
