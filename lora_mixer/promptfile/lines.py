"""Prompt files of one prompt a line: plain, or with A1111's `--key value` options.

A1111 ("Prompts from file or textbox") splits a line as a shell would and, when that fails (one apostrophe is
enough), renders the whole line as a prompt, options and all. Here a value runs to the next ` --key`, quotes around a
whole value are taken off, and everything else stands as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from lora_mixer.promptfile.copies import EMPTY, with_values
from lora_mixer.promptfile.entries import EntryReader
from lora_mixer.promptfile.expand import refuse_too_many
from lora_mixer.promptfile.parsed import ParsedFile
from lora_mixer.promptfile.plan import Problem, PromptEntry
from lora_mixer.promptfile.schema import HINTED, LONGEST_SHOWN, nearest
from lora_mixer.settings import PICTURE

LONGEST_LINE = 1 << 16
MOST_OPTIONS = 64

KEYS: Mapping[str, str] = MappingProxyType(
    {row.key_in_lines: row.name for row in PICTURE if row.key_in_lines is not None}
    | {"negative": "negative", "name": "name", "divide": "divide", "n_iter": "count", "batch_size": "batch_size"}
)
"""Key to field: A1111's keys where it has one, else ours. `n_iter` times `batch_size` pictures are made, with seeds counting up."""

NOT_HONOURED: Mapping[str, str] = MappingProxyType(
    {
        "outpath_samples": "pictures go into the output folder",
        "outpath_grids": "the grid goes into the output folder",
        "prompt_for_display": "the manifest holds the prompt itself",
        "seed_resize_from_h": "noise is drawn at the picture's own size",
        "seed_resize_from_w": "noise is drawn at the picture's own size",
        "sampler_index": "its meaning changes between versions; use --sampler_name",
        "restore_faces": "pictures are not retouched",
        "tiling": "pictures are not made to tile",
        "do_not_save_samples": "every picture is saved",
        "do_not_save_grid": "the grid is always drawn",
    }
)
"""A1111's other keys, and why each has no effect here. Switches set to false ask for nothing and are not told."""

_ENTRIES = EntryReader(strict=False, prompted=True)
_OPTION = re.compile(r"(?:^|(?<=\s))--(?P<key>[A-Za-z][A-Za-z0-9_]*)(?=\s|$)")


class _Option(NamedTuple):
    key: str
    value: str
    column: int


def read_lines(text: str, where: str) -> ParsedFile:
    """Read one entry a line; empty lines and lines that begin with `#` are passed over."""
    del where
    entries: list[PromptEntry] = []
    problems: list[Problem] = []
    plain = True
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LONGEST_LINE:
            what = f"the line has {len(line)} characters; {LONGEST_LINE} are read"
            problems.append(Problem(line=number, column=1, text=line, what=what))
            continue
        prompt = line.strip()
        if not prompt or prompt[0] == "#":
            continue
        if "--" not in prompt:
            entries.append(PromptEntry("", with_values(EMPTY, {"prompt": prompt}), number))
        else:
            plain = False
            entry, found = _read_line(line, number, hints=len(problems) < HINTED)
            entries += [entry] if entry else []
            problems += found
        refuse_too_many(len(entries))
    return ParsedFile(entries=tuple(entries), problems=tuple(problems), files=not plain)


def _read_line(line: str, number: int, *, hints: bool) -> tuple[PromptEntry | None, list[Problem]]:
    options = list(islice(_options(line), MOST_OPTIONS + 1))
    problems: list[Problem] = []
    if len(options) > MOST_OPTIONS:
        problems.append(Problem(line=number, column=1, text=line, what=f"more than {MOST_OPTIONS} options on a line"))
        return None, problems
    values: dict[str, object] = {}
    columns: dict[str, int] = {}
    for option in options:
        name = KEYS.get(option.key)
        what = _refused(option, name, values, hints=hints)
        if what:
            kept = option.key in NOT_HONOURED
            problems.append(Problem(line=number, column=option.column, text=line, what=what, skipped=not kept))
        elif name:
            values[name], columns[name] = option.value, option.column
    if any(problem.skipped for problem in problems):
        return None, problems
    entry = _checked(values, number)
    if isinstance(entry, PromptEntry):
        return entry, problems
    return None, problems + [
        Problem(line=number, column=columns.get(key, 1), text=line, what=what) for key, what in entry
    ]


def _refused(option: _Option, name: str | None, values: Mapping[str, object], *, hints: bool) -> str | None:
    """Return what is wrong with an option, if anything is."""
    if option.key in NOT_HONOURED:
        asks_nothing = option.value.lower() in {"false", "0", ""}
        return None if asks_nothing else f"--{option.key} has no effect: {NOT_HONOURED[option.key]}"
    if name is None:
        hint = f"; {nearest(option.key, KEYS)}" if hints else ""
        return f"unknown option --{option.key[:LONGEST_SHOWN]}{hint}"
    if name in values:
        return f"--{option.key} stands twice"
    if not option.value and name not in {"prompt", "negative"}:
        return f"--{option.key} has no value"
    return None


def _checked(values: dict[str, object], line: int) -> PromptEntry | list[tuple[str, str]]:
    batch = _ENTRIES.read({"count": values.pop("batch_size")}, line) if "batch_size" in values else None
    entry = _ENTRIES.read(values, line)
    if isinstance(entry, PromptEntry) and not isinstance(batch, tuple):
        return entry
    if isinstance(entry, PromptEntry) and isinstance(batch, PromptEntry):
        return entry._replace(pictures=entry.pictures * batch.pictures)
    faults = [fault for found in (batch, entry) if found and not isinstance(found, PromptEntry) for fault in found]
    return [(str(fault.key[0]) if fault.key else "", fault.what) for fault in faults]


def _options(line: str) -> Iterator[_Option]:
    """Split a line into options; what stands before the first one is the prompt."""
    return split_quoted(line) if '"' in line or "'" in line else split_plain(line)


def split_quoted(line: str) -> Iterator[_Option]:
    """Split a line in which values may stand in quotes."""
    last_close = {mark: _last(_CLOSING[mark], line) for mark in _CLOSING if mark in line}
    at, key, column, begun = 0, "prompt", 1, False
    opening = _opening(line, at) if last_close else ""
    for match in _OPTION.finditer(line):
        if opening and last_close[opening] >= match.end() and not _closed(line, at, match.start(), opening):
            continue
        if begun or line[at : match.start()].strip():
            yield _Option(key=key, value=_unquoted(line[at : match.start()]), column=column)
        at, key, column, begun = match.end(), match["key"], match.start() + 1, True
        opening = _opening(line, at) if last_close else ""
    yield _Option(key=key, value=_unquoted(line[at:]) if begun else line[at:].strip(), column=column)


def split_plain(line: str) -> Iterator[_Option]:
    """Split a line without quotes: the same, in a third of the time."""
    prompt, *others = _OPTION.split(line)
    at = len(prompt) + 1
    if prompt.strip():
        yield _Option("prompt", prompt.strip(), 1)
    for key, value in zip(others[::2], others[1::2], strict=True):
        yield _Option(key, value.strip(), at)
        at += 2 + len(key) + len(value)


_CLOSING = {mark: re.compile(rf"{mark}(?=\s--|\s?$)") for mark in "\"'"}


def _last(pattern: re.Pattern[str], line: str) -> int:
    return max((match.start() for match in pattern.finditer(line.rstrip())), default=-1)


def _opening(line: str, at: int) -> str:
    """Return the quote a value begins with, or nothing."""
    while at < len(line) and line[at].isspace():
        at += 1
    return line[at] if line[at : at + 1] in _CLOSING else ""


def _closed(line: str, start: int, end: int, mark: str) -> bool:
    """Tell whether a value that begins with a quote ends with one before `end`."""
    while end > start and line[end - 1].isspace():
        end -= 1
    return line[end - 1] == mark and line.find(mark, start) < end - 1


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in {'"', "'"}:
        inner = value[1:-1]
        return inner.replace('\\"', '"') if value[0] == '"' else inner
    return value
