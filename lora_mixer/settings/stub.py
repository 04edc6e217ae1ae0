"""What type checkers and editors know of the classes that are made from the tables, as the text of `classes.pyi`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING
from pathlib import Path
from textwrap import wrap

from lora_mixer.settings.classes import Hires, HiresSettings, RenderRequest, Settings
from lora_mixer.settings.making import (
    Asked,
    Filled,
    annotation_of_asked,
    annotation_of_filled,
    default_of_asked,
    default_of_filled,
)
from lora_mixer.settings.setting import Setting, Table
from lora_mixer.settings.structured_kinds import MixOfLoras, PictureValue, RegionList, TableNames

STUB = Path(__file__).with_name("classes.pyi")
WIDTH = 120

_HEAD = '''"""Requests and their filled-in forms. Written by `python -m lora_mixer.settings` from the tables of settings."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TypedDict

from PIL.Image import Image

from lora_mixer.inputs import InputPicture
from lora_mixer.mixes import Loras, LoraUse
from lora_mixer.regions import Region
from lora_mixer.settings.making import Asked, Filled'''


def stub_text() -> str:
    """Return the text of `classes.pyi`."""
    blocks = [
        [_HEAD],
        _asked(Hires),
        _filled(HiresSettings),
        _asked(RenderRequest),
        _filled(Settings),
        _options(RenderRequest.table),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _asked(made: type[Asked]) -> list[str]:
    first, *others = made.table
    return [
        "@dataclass(frozen=True, slots=True)",
        f"class {made.__name__}(Asked):",
        *_doc(_summary(made)),
        "",
        *_lines([first], annotation_of_asked, default_of_asked),
        "    _: KW_ONLY",
        *_lines(others, annotation_of_asked, default_of_asked),
    ]


def _filled(made: type[Filled]) -> list[str]:
    rows = [row for row in made.table if not row.asked_only]
    return [
        "@dataclass(frozen=True, slots=True, kw_only=True)",
        f"class {made.__name__}(Filled):",
        *_doc(_summary(made)),
        "",
        *_lines(rows, annotation_of_filled, default_of_filled),
        f"    def request(self) -> {made.asked.__name__}: ...",
    ]


def _options(table: Table) -> list[str]:
    return [
        "class RequestOptions(TypedDict, total=False):",
        *_doc("Fields of `RenderRequest`, as keyword arguments."),
        "",
        *(f"    {row.name}: {_annotation_of_option(row)}" for row in table.rows[1:]),
    ]


def _annotation_of_option(row: Setting) -> str:
    if isinstance(row.kind, MixOfLoras):
        return "Loras"
    if isinstance(row.kind, PictureValue):
        return "InputPicture | Path | str | bytes | Image | None"
    if isinstance(row.kind, RegionList):
        return "Sequence[Region]"
    return "Sequence[str]" if isinstance(row.kind, TableNames) else annotation_of_asked(row)


def _lines(
    rows: Sequence[Setting], annotation: Callable[[Setting], str], default: Callable[[Setting], object]
) -> list[str]:
    lines: list[str] = []
    for row in rows:
        value = default(row)
        lines.append(f"    {row.name}: {annotation(row)}" + ("" if value is MISSING else f" = {_literal(value)}"))
        lines += _doc(row.explained)
    return lines


def _summary(made: type) -> str:
    return (made.__doc__ or "").partition("\n")[0]


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _doc(text: str) -> list[str]:
    return wrap(f'"""{text}"""', WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False)
