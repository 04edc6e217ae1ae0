"""What an entry of a prompt file may say, checked by pydantic, with the nearest key where one is misspelt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from lora_mixer.promptfile.dividing import DivideTable, short_divide
from lora_mixer.promptfile.parts import (
    HiresTable,
    LoraTable,
    RegionTable,
    RegionTables,
    Size,
    StrictTable,
    check_sides,
    hires_of_text,
    is_short,
    short_loras,
)
from lora_mixer.settings import PICTURE
from lora_mixer.settings.schema import fields_of, with_fields

MAX_COUNT = 1000
LONGEST_SHOWN = 40
MOST_FAULTS = 10  # of one entry that are told
HINTED = 100  # faults of a file that are told with the nearest key

Checked = TypeVar("Checked", bound=BaseModel)


def _short_styles(value: object) -> object:
    """Take `"name; name"` for a list."""
    return [name.strip() for name in value.split(";") if name.strip()] if isinstance(value, str) else value


def _short_hires(value: object) -> object:
    """Take `2`, `"1024x1536"` and `"2; denoise=0.4; steps=10"` for the table."""
    return hires_of_text(f"{value:g}" if isinstance(value, (int, float)) else value) if is_short(value) else value


@with_fields(fields_of(PICTURE))
class FieldsTable(StrictTable):
    """What `[defaults]` may say: the settings of a picture, and what stands for some of them in short."""

    loras: Annotated[list[LoraTable], BeforeValidator(short_loras)] = Field(default=[])
    size: Size | None = None
    styles: Annotated[list[str], BeforeValidator(_short_styles)] = Field(default=[])
    regions: RegionTables = Field(default=[])
    hires: Annotated[HiresTable | None, BeforeValidator(_short_hires)] = None
    if TYPE_CHECKING:
        prompt: str | None = None
        width: int | None = None
        height: int | None = None

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        check_sides(self.size, self.width, self.height)
        return self


class EntryTable(FieldsTable):
    """One entry: a picture, or with axes a block of the sheet."""

    name: str | None = None
    count: int = Field(default=1, ge=1, le=MAX_COUNT)
    divide: Annotated[DivideTable | None, BeforeValidator(short_divide)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong in an entry: at which key, and what."""

    key: tuple[str | int, ...]
    what: str


def read_table(
    model: type[Checked], table: object, *, strict: bool = True, hints: bool = True
) -> Checked | tuple[Fault, ...]:
    """Check one entry and return it, or all that is wrong in it.

    Args:
        model: What it should be.
        table: What the file says.
        strict: Take `20` but not `"20"` for a number.
        hints: Tell the nearest key of one that is not known.
    """
    try:
        return model.model_validate(table, strict=strict)
    except ValidationError as error:
        return tuple(_faults(error, model, hints=hints))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint at the known word nearest to one that is not known."""
    names = tuple(known)
    word = word[:LONGEST_SHOWN]
    close = get_close_matches(word, names, n=1)
    return f"the nearest is {close[0]}" if close else f"known: {', '.join(names)}"


def _faults(error: ValidationError, model: type[BaseModel], *, hints: bool) -> Iterator[Fault]:
    items = error.errors(include_url=False, include_context=False)
    for item in items[:MOST_FAULTS]:
        key = item["loc"]
        if item["type"] == "extra_forbidden":
            table = next((inner for name, inner in _INNER if name in key[:-1]), model)
            hint = f"; {nearest(str(key[-1]), table.model_fields)}" if hints else ""
            yield Fault(key=key, what=f"unknown key {_cut(str(key[-1]))}{hint}")
            continue
        told = item["type"] == "value_error" or isinstance(item["input"], dict)
        shown = "" if told else _shown(item["input"])
        place = ".".join(str(part) for part in key)
        said = _SAID.get(item["type"], item["msg"].removeprefix("Value error, ").removeprefix("Input "))
        yield Fault(
            key=key, what=": ".join(part for part in (place, said) if part) + (f", not {shown}" if shown else "")
        )

    if len(items) > MOST_FAULTS:
        yield Fault(key=(), what=f"{len(items) - MOST_FAULTS:,} more things are wrong in it")


def _shown(value: object) -> str:
    """Return a value as it is written, its beginning if it is long; a long list is not written out for that."""
    if isinstance(value, (list, tuple)):
        value = value[:LONGEST_SHOWN]
    return _cut(repr(value[: LONGEST_SHOWN + 1] if isinstance(value, str) else value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


_INNER: tuple[tuple[str, type[BaseModel]], ...] = (
    ("loras", LoraTable),
    ("regions", RegionTable),
    ("hires", HiresTable),
    ("divide", DivideTable),
)
"""Tables inside an entry, the innermost first."""
_SAID = {"model_type": "an entry must be a table", "dict_type": "must be a table", "list_type": "must be a list"}
_FILLED = tuple(row.name for row in PICTURE if row.scalar and row.name not in {"width", "height"})
