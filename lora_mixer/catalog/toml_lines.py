"""On which line of a TOML text each key stands, which `tomllib` does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence

KeyPath = tuple[str, ...]

# The pieces of a text that `tomllib` has already accepted (TOML 1.0), so this need not refuse anything.
_PIECE = re.compile(
    r"""
    (?P<space>[ \t\r]+|\#[^\n]*)
  | (?P<end>\n)
  | (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5} | '{3}.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
  | (?P<mark>[\[\]{}=.,])
  | (?P<bare>[^\s\[\]{}=.,"'\#]+)
    """,
    re.VERBOSE | re.DOTALL,
)


def line_of(text: str, path: Sequence[str | int]) -> int:
    r"""Return the line (from 1) on which a key, or the nearest thing around it that has a line, stands.

    >>> line_of('default = "a"\n[models.a]\nlocation = 3\n', ("models", "a", "location"))
    3
    """
    wanted = tuple(str(part) for part in path)
    lines: dict[KeyPath, int] = {}
    for key, line in _keys(text):
        for length in range(1, len(key) + 1):
            lines.setdefault(key[:length], line)
        lines[key] = min(lines[key], line)
    return next((lines[wanted[:n]] for n in range(len(wanted), 0, -1) if wanted[:n] in lines), 1)


def _keys(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield each table header and each `key =` with its whole path and its line."""
    table: KeyPath = ()
    for line, statement in _statements(text):
        is_header = statement[0] == "["
        marks = {"[", "]"} if is_header else set[str]()
        key = tuple(_unquoted(piece) for piece in _until_equals(statement) if piece not in marks | {"."})
        if is_header:
            table = key
            yield table, line
        else:
            yield table + key, line


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the pieces of each statement with the line it begins on; brackets and strings hold lines together."""
    line, depth, first = 1, 0, 1
    statement: list[str] = []
    for match in _PIECE.finditer(text):
        piece = match.group()
        if match.lastgroup == "end" and depth == 0 and statement:
            yield first, statement
            statement = []
        elif match.lastgroup not in {"space", "end"}:
            first = first if statement else line
            statement.append(piece)
            depth += (piece in "[{") - (piece in "]}") if match.lastgroup == "mark" else 0
        line += piece.count("\n")
    if statement:
        yield first, statement


def _until_equals(statement: Iterable[str]) -> Iterator[str]:
    for piece in statement:
        if piece == "=":
            return
        yield piece


def _unquoted(piece: str) -> str:
    return next(iter(tomllib.loads(f"{piece} = 0"))) if piece[0] in "\"'" else piece
