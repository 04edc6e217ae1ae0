"""Settings as A1111's infotext has them: key to text, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lora_mixer.settings.kinds import Whole
from lora_mixer.settings.making import Filled
from lora_mixer.settings.setting import Setting, Table


def infotext_of(filled: Filled, first: Filled | None = None) -> dict[str, str]:
    """Return the settings that stand in an infotext, in the table's order.

    Args:
        filled: The settings.
        first: The settings of the first pass, if `filled` is a later one: what is as there is left out.
    """
    said = {}
    for row in filled.table:
        value = getattr(filled, row.name, None)
        if row.infotext is None or value is None:
            continue
        usual = row.default if first is None else getattr(first, row.name, row.default)
        if row.infotext_always or value != usual:
            text = row.kind.write(value)
            said[row.infotext] = row.infotext_as(text) if row.infotext_as else text
    return said


@dataclass(slots=True)
class Read:
    """What was read of an infotext.

    Attributes:
        values: Settings by name.
        unusable: Keys whose values are none their settings take.
    """

    values: dict[str, Any] = field(default_factory=dict)
    unusable: list[str] = field(default_factory=list)


def read_infotext(fields: Mapping[str, str], table: Table) -> Read:
    """Return the settings an infotext states."""
    read = Read()
    for row, key in _keys(fields, table):
        value = usable(row, row.kind.read(fields[key]))
        if value is None:
            read.unusable.append(key)
        else:
            read.values.setdefault(row.name, value)
    return read


def usable(row: Setting, value: object) -> object:
    """Return a value that a finished picture may state; a seed that is still to be drawn is none."""
    return None if isinstance(row.kind, Whole) and isinstance(value, int) and value < 0 <= row.kind.low else value


def _keys(fields: Mapping[str, str], table: Table) -> Iterator[tuple[Setting, str]]:
    for row in table:
        for key in (row.infotext, *row.infotext_too):
            if key is not None and key in fields:
                yield row, key
