"""Styles: named pieces of prompts in A1111's `styles.csv`."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.errors import ConfigError, FileError, RequestError
from lora_mixer.files import read_file
from lora_mixer.prompt.limits import refuse_too_long_by

_HERE = "{prompt}"
_MAX_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a style adds to a prompt; `{prompt}` marks the prompt's place."""

    name: str
    prompt: str = ""
    negative: str = ""


def read_styles(path: Path) -> Mapping[str, Style]:
    """Return the styles of a `styles.csv` by name.

    Raises:
        ConfigError: The file cannot be read, or has no column `name`.
    """
    try:
        text = read_file(path, at_most=_MAX_BYTES).decode("utf-8-sig")
        rows = csv.reader(io.StringIO(text, newline=""))
        columns = {name: place for place, name in enumerate(next(rows, []))}
        if "name" not in columns:
            raise ConfigError("the file has no column `name`", where=str(path), remedy="Its first line names columns.")
        styles = (_style(row, columns) for row in rows)
        return {style.name: style for style in styles if style.name}
    except FileError as error:
        raise ConfigError(f"the styles cannot be read: {error.what}", where=str(path), remedy=error.remedy) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"the styles cannot be read ({error})", where=str(path)) from error


def _style(row: Sequence[str], columns: Mapping[str, int]) -> Style:
    def cell(name: str) -> str:
        place = columns.get(name, len(row))
        return row[place] if place < len(row) else ""

    prompt = cell("prompt") or cell("text")  # `text` is the column's old name
    return Style(name=cell("name"), prompt=prompt, negative=cell("negative_prompt"))


def named_styles(names: Iterable[str], files: Iterable[Path]) -> tuple[Style, ...]:
    """Return the styles of some names; the first file that has a name wins, and a file that is not there has none.

    Raises:
        RequestError: There is no style of a name; the nearest is in the text.
        ConfigError: A file cannot be read.
    """
    wanted = tuple(names)
    if not wanted:
        return ()
    known: dict[str, Style] = {}
    for path in files:
        if path.exists():
            known = {**read_styles(path), **known}
    return tuple(_named(name, known) for name in wanted)


def _named(name: str, known: Mapping[str, Style]) -> Style:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Put it into a file that `styles` in models.toml names."
    raise RequestError(f"there is no style {name[:200]!r} among {len(known):,}", remedy=hint)


def apply_styles(prompt: str, negative: str, styles: Iterable[Style]) -> tuple[str, str]:
    """Return a prompt and its negative with styles applied, in order.

    >>> apply_styles("cat", "", [Style(name="ink", prompt="ink drawing of {prompt}", negative="photo")])
    ('ink drawing of cat', 'photo')

    Raises:
        PromptError: What comes of it is longer than is read: a style that has its prompt twice, applied often.
    """
    for style in styles:
        prompt, negative = _merged(prompt, style.prompt), _merged(negative, style.negative)
    return prompt, negative


def _merged(text: str, addition: str) -> str:
    if _HERE in addition:
        refuse_too_long_by(len(addition) + addition.count(_HERE) * (len(text) - len(_HERE)))
        return addition.replace(_HERE, text)
    return ", ".join(part for part in (text.strip(), addition.strip()) if part)
