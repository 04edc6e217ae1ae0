"""The owner's notes beside an adapter, as the web UIs and their helpers write them.

Formats: A1111's `NAME.json`, `NAME.description.txt` and `NAME.txt`; `NAME.civitai.info` of the Civitai Helper (a model
version as Civitai's API gives it); `NAME.metadata.json` of ComfyUI LoRA Manager; `NAME.cm-info.json` of Stability Matrix.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from lora_mixer.errors import FileError
from lora_mixer.files import read_file

MOST_WORDS = 20
_MAX_BYTES = 1024 * 1024
_LONGEST_TEXT = 4000
_CIVITAI_PAGE = "https://civitai.com/models/"
_TABLES = ("civitai", "usage_tips", "model")
"""Tables inside of a file that say the same things; LoRA Manager writes `usage_tips` as text."""
_DESCRIPTION = ("description", "modelDescription", "ModelDescription", "VersionDescription")
_WORDS = ("trainedWords", "TrainedWords")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """An owner's notes on an adapter; untrusted text, to be escaped when shown.

    Attributes:
        description: What it is.
        activation_text: What to add to the prompt.
        trained_words: What its page says it was trained on, of which any may be added to the prompt.
        preferred_weight: The strength to begin with.
        strength_range: The least and the most strength that is recommended.
        negative_text: What to add to the negative prompt.
        notes: Anything else.
        base: The base model ("SD1", "SDXL", "Pony").
        page: Where it was published.
        problems: Which of the files could not be read, and why.
    """

    description: str = ""
    activation_text: str = ""
    trained_words: tuple[str, ...] = ()
    preferred_weight: float | None = None
    strength_range: tuple[float, float] | None = None
    negative_text: str = ""
    notes: str = ""
    base: str = ""
    page: str = ""
    problems: tuple[str, ...] = ()


def read_sidecar(paths: Iterable[Path]) -> Sidecar:
    """Read the files beside an adapter; of what several say, the first one's word counts."""
    tables: list[Mapping[str, Any]] = []
    texts: list[str] = []
    problems: list[str] = []
    for path in paths:
        try:
            text = _text(path)
            if path.suffix == ".txt":
                texts.append(text)
            else:
                tables += _tables(text)
        except FileError as error:
            problems.append(f"{path.name}: {error.what}")
        except (ValueError, RecursionError) as error:
            problems.append(f"{path.name}: {error}")
    return Sidecar(
        description=next(filter(None, [_plain(_string(tables, *_DESCRIPTION)), *texts]), ""),
        activation_text=_string(tables, "activation text"),
        trained_words=_words(tables),
        preferred_weight=next(filter(None, map(_weight, _values(tables, "preferred weight", "strength"))), None),
        strength_range=_range(tables),
        negative_text=_string(tables, "negative text"),
        notes=_string(tables, "notes"),
        base=_string(tables, "sd version", "baseModel", "base_model", "BaseModel"),
        page=_page(tables),
        problems=tuple(problems),
    )


def _text(path: Path) -> str:
    return read_file(path, at_most=_MAX_BYTES, inside=path.parent).decode("utf-8-sig")


def _tables(text: str) -> list[Mapping[str, Any]]:
    """Return the tables of a file: the whole, then those in it."""
    table = json.loads(text)
    if not isinstance(table, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a wrong file, not a wrong call
    inner = (_table(found.get(name)) for found in (table, _table(table.get("civitai"))) for name in _TABLES)
    return [table, *filter(None, inner)]


def _table(value: object) -> Mapping[str, Any]:
    try:
        value = json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except (ValueError, RecursionError):  # a text that only begins like a table
        return {}
    return value if isinstance(value, dict) else {}


def _values(tables: Iterable[Mapping[str, Any]], *keys: str) -> Iterator[object]:
    return (table[key] for table in tables for key in keys if key in table)


def _string(tables: Iterable[Mapping[str, Any]], *keys: str) -> str:
    return next((value.strip() for value in _values(tables, *keys) if isinstance(value, str) and value.strip()), "")


def _words(tables: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return Civitai's words; an item may be a whole list with commas between, which stays one."""
    for value in _values(tables, *_WORDS):
        if isinstance(value, list):
            words = (" ".join(word.split()).strip(" ,") for word in value if isinstance(word, str))
            if found := tuple(dict.fromkeys(filter(None, words))):
                return found[:MOST_WORDS]
    return ()


def _weight(value: object) -> float | None:
    """Return a usable preferred weight; the web UIs write 0 for none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value or not math.isfinite(value):
        return None
    return float(value)


def _range(tables: Iterable[Mapping[str, Any]]) -> tuple[float, float] | None:
    """Return the first range whose ends are numbers in order; one that has no least strength begins at 0."""
    for table in tables:
        low, high = _weight(table.get("strength_min")) or 0.0, _weight(table.get("strength_max")) or 0.0
        if low < high:
            return low, high
    return None


def _page(tables: Iterable[Mapping[str, Any]]) -> str:
    for value in _values(tables, "modelId", "ModelId"):
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return f"{_CIVITAI_PAGE}{value}"
    return ""


class _Text(HTMLParser):
    """Collects the text of HTML, a line a paragraph."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 the parent's
        if tag in {"p", "br", "li", "h1", "h2", "h3", "ul", "ol"}:
            self.parts.append("\n")


def _plain(text: str) -> str:
    r"""Return a description without the markup Civitai's have.

    >>> _plain("<p>A <b>hat</b></p><p>Use 0.8</p>")
    'A hat\nUse 0.8'
    """
    if not text.startswith("<p") and "</p>" not in text:
        return text
    reader = _Text()
    reader.feed(text[: 4 * _LONGEST_TEXT])
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).splitlines())
    return "\n".join(filter(None, lines))[:_LONGEST_TEXT]
