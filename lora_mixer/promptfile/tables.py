"""Prompt files as CSV (a header of field names) and JSONL (an object, or a bare text, a line)."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable

from lora_mixer.errors import ConfigError
from lora_mixer.promptfile.entries import EntryReader
from lora_mixer.promptfile.expand import refuse_too_many
from lora_mixer.promptfile.parsed import ParsedFile
from lora_mixer.promptfile.plan import Problem, PromptEntry
from lora_mixer.promptfile.schema import HINTED, EntryTable, nearest

LORA_COLUMN = "lora:"
_HEADER = "Name the columns in line 1."


def read_csv(text: str, where: str) -> ParsedFile:
    """Read comma, semicolon or tab separated rows; a column `lora:NAME` holds that adapter's strength.

    Raises:
        ConfigError: The header names no prompt, or something that is no field.
    """
    lines = text.split("\n")
    header = lines[0]
    mark = max(",;\t", key=header.count)
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=mark, strict=True)
    try:
        names = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise ConfigError(f"the header cannot be read: {error}", where=f"{where}:1:1", remedy=_HEADER) from error
    known = (*EntryTable.model_fields, f"{LORA_COLUMN}NAME")
    for name in names:
        if name not in known and not name.startswith(LORA_COLUMN):
            raise ConfigError(
                f"unknown column {name!r}; {nearest(name, known)}", where=f"{where}:1:{header.find(name) + 1}"
            )
    if "prompt" not in names:
        raise ConfigError("no column is called prompt", where=f"{where}:1:1", remedy=_HEADER)
    if len(set(names)) < len(names):
        twice = next(name for name, number in Counter(names).items() if number > 1)
        raise ConfigError(f"two columns are called {twice}", where=f"{where}:1:1", remedy="Name each column once.")
    entries: list[PromptEntry] = []
    problems: list[Problem] = []
    checked = EntryReader(strict=False)
    row_line = 2
    while True:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            problems.append(_problem(lines, min(reader.line_num, len(lines)), str(error)))
            row_line = reader.line_num + 1
            continue
        if any(cell.strip() for cell in row):
            _take(_row(names, row), row_line, lines, entries, problems, checked)
        row_line = reader.line_num + 1
    return ParsedFile(entries=tuple(entries), problems=tuple(problems), files=checked.names_files)


def read_jsonl(text: str, where: str) -> ParsedFile:
    """Read one JSON object a line with the fields of a TOML job; a bare JSON string is a prompt."""
    del where
    entries: list[PromptEntry] = []
    problems: list[Problem] = []
    reader = EntryReader()
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(_problem(lines, number, f"no JSON: {error.msg}", error.colno))
        except (RecursionError, ValueError) as error:
            problems.append(_problem(lines, number, f"no JSON we can read: {type(error).__name__}"))
        else:
            table = {"prompt": value} if isinstance(value, str) else value
            _take(table, number, lines, entries, problems, reader)
    return ParsedFile(entries=tuple(entries), problems=tuple(problems), files=reader.names_files)


def _row(names: Iterable[str], row: list[str]) -> object:
    cells = dict(zip(names, row, strict=False))
    if len(row) > len(cells) and any(cell.strip() for cell in row[len(cells) :]):
        return "more cells than the header has columns; put quotes around a value with the separator in it"
    filled = {name: said for name, cell in cells.items() if (said := cell.strip())}
    loras = {n.removeprefix(LORA_COLUMN).strip(): c for n, c in filled.items() if n.startswith(LORA_COLUMN)}
    table: dict[str, object] = {name: cell for name, cell in filled.items() if not name.startswith(LORA_COLUMN)}
    if loras:
        listed = [part for part in str(table.get("loras", "")).split(";") if part.strip()]
        table["loras"] = ";".join([*listed, *(f"{name}={strength}" for name, strength in loras.items())])
    return table


def _take(
    table: object, line: int, lines: list[str], entries: list[PromptEntry], problems: list[Problem], reader: EntryReader
) -> None:
    """Check one entry and put it where it belongs."""
    if isinstance(table, str):
        problems.append(_problem(lines, line, table))
        return
    entry = reader.read(table, line, hints=len(problems) < HINTED)
    if isinstance(entry, PromptEntry):
        entries.append(entry)
        refuse_too_many(len(entries))
        return
    for fault in entry:
        key = str(fault.key[0]) if fault.key else ""
        problems.append(_problem(lines, line, fault.what, max(1, lines[line - 1].find(key) + 1) if key else 1))


def _problem(lines: list[str], line: int, what: str, column: int = 1) -> Problem:
    return Problem(line=line, column=column, text=lines[line - 1], what=what)
