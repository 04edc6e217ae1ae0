"""The owner's notes beside an adapter: the web UIs' `NAME.json`, `NAME.description.txt` and `NAME.txt`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lora_mixer.errors import FileError
from lora_mixer.files import read_file

_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """An owner's notes on an adapter; untrusted text, to be escaped when shown.

    Attributes:
        description: What it is.
        activation_text: What to add to the prompt.
        preferred_weight: The strength to begin with.
        negative_text: What to add to the negative prompt.
        notes: Anything else.
        base: The base model ("SD1", "SD2", "SDXL").
        problems: Which of the files could not be read, and why.
    """

    description: str = ""
    activation_text: str = ""
    preferred_weight: float | None = None
    negative_text: str = ""
    notes: str = ""
    base: str = ""
    problems: tuple[str, ...] = ()


def read_sidecar(paths: Iterable[Path]) -> Sidecar:
    """Read the files beside an adapter; the first with a description wins."""
    table: dict[str, Any] = {}
    texts: list[str] = []
    problems: list[str] = []
    for path in paths:
        try:
            text = _text(path)
            if path.suffix == ".json":
                table = _table(text)
            else:
                texts.append(text)
        except FileError as error:
            problems.append(f"{path.name}: {error.what}")
        except (ValueError, RecursionError) as error:
            problems.append(f"{path.name}: {error}")
    return Sidecar(
        description=next(filter(None, [_string(table, "description"), *texts]), ""),
        activation_text=_string(table, "activation text"),
        preferred_weight=_weight(table.get("preferred weight")),
        negative_text=_string(table, "negative text"),
        notes=_string(table, "notes"),
        base=_string(table, "sd version"),
        problems=tuple(problems),
    )


def _text(path: Path) -> str:
    return read_file(path, at_most=_MAX_BYTES, inside=path.parent).decode("utf-8-sig")


def _table(text: str) -> dict[str, Any]:
    table = json.loads(text)
    if not isinstance(table, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a wrong file, not a wrong call
    return table


def _string(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    return value.strip() if isinstance(value, str) else ""


def _weight(value: object) -> float | None:
    """Return a usable preferred weight; the web UIs write 0 for none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value or not math.isfinite(value):
        return None
    return float(value)
