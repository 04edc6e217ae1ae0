"""Prompt files written: entries and axes as the TOML that reading gives back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from lora_mixer.errors import RequestError
from lora_mixer.hires import Hires
from lora_mixer.promptfile.mix_file import lora_lines
from lora_mixer.promptfile.plan import PromptEntry
from lora_mixer.regions import Region, region_table
from lora_mixer.request import RenderRequest

Axis = Mapping[str, object]
"""One side of a sheet as a table of `[axes]`, such as `{"lora": "ink", "strengths": [0, 1]}`."""


def prompt_file_text(
    entries: Sequence[PromptEntry], *, columns: Axis | None = None, rows: Axis | None = None, title: str = ""
) -> str:
    """Return entries and axes as the text of a prompt file (TOML).

    Raises:
        RequestError: A value cannot stand in a text, such as a mask that is a picture.

    >>> print(
    ...     prompt_file_text(
    ...         [PromptEntry(name="", request=RenderRequest("cat", seed=7), line=1)], columns={"cfg": [1, 7]}
    ...     )
    ... )
    [axes]
    columns = { cfg = [1, 7] }
    <BLANKLINE>
    [[jobs]]
    prompt = "cat"
    seed = 7
    <BLANKLINE>
    """
    sides = {side: axis for side, axis in (("columns", columns), ("rows", rows)) if axis is not None}
    parts = [
        [f"title = {_value(title)}"] if title else [],
        ["[axes]", *(f"{side} = {_value(axis)}" for side, axis in sides.items())] if sides else [],
        *(list(_entry(entry)) for entry in entries),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _entry(entry: PromptEntry) -> Iterator[str]:
    yield "[[jobs]]"
    if entry.name:
        yield f"name = {_value(entry.name)}"
    for field in fields(RenderRequest):
        value = getattr(entry.request, field.name)
        if field.name not in {"loras", "regions"} and value is not None and value != ():
            yield f"{field.name} = {_value(value)}"
    if entry.pictures > 1:
        yield f"count = {entry.pictures}"
    for use in entry.request.loras:
        yield ""
        yield "[[jobs.loras]]"
        yield from lora_lines(use)
    for region in entry.request.regions:
        yield from _region(region)


def _region(region: Region) -> Iterator[str]:
    yield ""
    yield "[[jobs.regions]]"
    for name, value in region_table(region).items():
        yield f"{name} = {_value(value)}"
    for use in region.loras:
        yield ""
        yield "[[jobs.regions.loras]]"
        yield from lora_lines(use)


def _value(value: object) -> str:
    """Return a value of TOML; its basic strings are written as in JSON but for the delete character."""
    if isinstance(value, Hires):
        value = {field.name: given for field in fields(Hires) if (given := getattr(value, field.name)) is not None}
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_value(item)}' for key, item in value.items())} }}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_value, value))}]"
    raise RequestError(f"{value!r} cannot stand in a prompt file", remedy="Leave it out.")
