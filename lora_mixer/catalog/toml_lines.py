"""Find the lines of keys in a TOML text, which `tomllib` does not report."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence

KeyPath = tuple[str | int, ...]
"""Keys from the outside in; in an array of tables, the number of the table behind its name."""

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
    return lines_of(text, [path])[0]


def lines_of(text: str, paths: Sequence[Sequence[str | int]]) -> list[int]:
    r"""Return the lines of many keys in one pass; see `line_of`.

    >>> lines_of("[[jobs]]\na = 1\n[[jobs]]\na = 2\n", [("jobs", 1, "a"), ("jobs", 1), ("jobs",)])
    [4, 3, 1]
    """
    wanted: dict[KeyPath, int] = {tuple(path[:length]): 0 for path in paths for length in range(1, len(path) + 1)}
    for key, line in _keys(text):
        for length in range(1, len(key) + 1):
            if wanted.get(key[:length]) == 0:
                wanted[key[:length]] = line
    return [next((line for n in range(len(path), 0, -1) if (line := wanted[tuple(path[:n])])), 1) for path in paths]


def table_lines(text: str, name: str) -> list[int]:
    r"""Return the lines on which the tables of an array begin.

    >>> table_lines("[[jobs]]\na = 1\n[[jobs]]\n", "jobs")
    [1, 3]
    """
    if '"""' not in text and "'''" not in text and name.isidentifier():
        return _header_lines(text, name)
    return [line for key, line in _keys(text) if len(key) == 2 and key[0] == name and isinstance(key[1], int)]


def _header_lines(text: str, name: str) -> list[int]:
    """Return the lines that are headers of an array: without texts of several lines, such a line is nothing else."""
    lines, line, at = [], 1, 0
    for found in re.finditer(rf"^[ \t]*\[\[[ \t]*(?:{name}|\"{name}\"|'{name}')[ \t]*\]\]", text, re.MULTILINE):
        line += text.count("\n", at, found.start())
        at = found.start()
        lines.append(line)
    return lines


def _keys(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield each table header and each `key =` with its whole path and its line."""
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    for line, pieces in _statements(text):
        names = [_unquoted(piece) for piece in pieces if piece not in {"[", "]", "."}]
        if pieces[0] != "[":
            yield (*table, *names), line
            continue
        table = _numbered(names, counts)
        if pieces[1:2] == ["["]:
            counts[table] = counts.get(table, -1) + 1
            table = (*table, counts[table])
        yield table, line


def _numbered(names: Iterable[str], counts: dict[KeyPath, int]) -> KeyPath:
    """Return a header's path, with the number of the table that each array on the way is at; none behind the last."""
    path: KeyPath = ()
    for name in names:
        if path in counts:
            path = (*path, counts[path])
        path = (*path, name)
    return path


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield what stands before the `=` of each statement, or its header, with the line it begins on.

    Brackets and strings hold the lines of a value together.
    """
    line, depth, first = 1, 0, 1
    key: list[str] = []
    in_value = False
    for match in _PIECE.finditer(text):
        piece, kind = match.group(), match.lastgroup
        if kind == "end":
            if depth == 0 and key:
                yield first, key
                key, in_value = [], False
        elif kind == "mark" and in_value:
            depth += (piece in "[{") - (piece in "]}")
        elif kind == "mark" and piece == "=":
            in_value = True
        elif kind != "space" and not in_value:
            first = first if key else line
            key.append(piece)
        line += piece.count("\n")
    if key:
        yield first, key


def _unquoted(piece: str) -> str:
    return next(iter(tomllib.loads(f"{piece} = 0"))) if piece[0] in "\"'" else piece
