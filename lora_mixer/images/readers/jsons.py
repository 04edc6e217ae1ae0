"""JSON out of a stranger's picture: bounded before it is built, and without what Python's reader lets in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

MAX_ITEMS = 200_000
"""Values of a text; 100 bytes each is what Python takes for the smallest."""
MAX_DIGITS = 32

_HALF = re.compile(r"\\u[dD][89a-fA-F]")

Table = Mapping[str, object]


def read_json(text: str) -> object:
    """Return the value of a JSON text, or None if it is none or holds too many values.

    `NaN` and infinities, which some programs write, become None; a number of more than 32 digits stays text, since no
    setting has one and Python refuses to print it.
    """
    if text.count(",") + text.count("[") + text.count("{") > MAX_ITEMS:
        return None
    try:
        value = _loaded(text)
        return _loaded(_without_halves(value)) if _HALF.search(text) else value
    except (ValueError, RecursionError):
        return None


def read_table(text: str | None) -> Table:
    """Return the object of a JSON text, or an empty one."""
    if text is None or text.lstrip()[:1] != "{":
        return {}
    return table_of(read_json(text))


def table_of(value: object) -> Table:
    """Return a value if it is an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[object]:
    """Return a value if it is a list, or an empty one."""
    return value if isinstance(value, list) else []


def _loaded(text: str) -> object:
    value: object = json.loads(text, parse_int=_whole, parse_constant=lambda _: None)
    return value


def _without_halves(value: object) -> str:
    """Return a value as JSON in which halves of characters, which no file can hold, are question marks."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits
