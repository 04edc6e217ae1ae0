"""Parse TOML in linear time: what takes `tomllib` quadratic time or memory is refused first."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

MAX_PARTS = 16
"""Parts of a dotted key: `tomllib` walks all of them once for each."""

_PIECE = re.compile(r'"""|\'\'\'|"(?:[^"\\\n]++|\\.)*"?|\'[^\'\n]*+\'?|#[^\n]*+|[,=\[\]{}\n]|\.|[^"\'#\n.,=\[\]{}]++')
_QUOTE = re.compile(r'\\.|"""', re.DOTALL)
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class BadToml(NamedTuple):
    """Why a text is not TOML, and where: line and column from 1; None is the end, 0 unknown."""

    what: str
    line: int | None
    column: int | None

    @property
    def place(self) -> str:
        """The place in words; nothing if it cannot be told."""
        return "end of document" if self.line is None else f"line {self.line}, column {self.column}" * bool(self.line)


def load_toml(text: str) -> dict[str, Any] | BadToml:
    """Parse a text; return its table, or why it is not TOML."""
    line = _long_key(text)
    if line is not None:
        return BadToml(f"a key of more than {MAX_PARTS} parts with dots between them", line, 1)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        place = _PLACE.search(said)
        what = f"not TOML: {_PLACE.sub('', said)}"
        return BadToml(what, *map(int, place.groups())) if place and place[1] else BadToml(what, None, None)
    except RecursionError:
        return BadToml("the file is nested too deeply", 0, 0)
    except ValueError as error:  # a number of more than 4,300 digits, a date that does not exist
        return BadToml(f"not TOML: {str(error).partition(';')[0]}", 0, 0)


def _long_key(text: str) -> int | None:
    """Return the line of the first key that has too many parts; strings and comments hold none."""
    if all(line.count(".") < MAX_PARTS for line in text.split("\n")):
        return None
    dots = 0
    for piece, at in _pieces(text):
        if piece == ".":
            dots += 1
            if dots >= MAX_PARTS:
                return text.count("\n", 0, at) + 1
        elif piece in ",=[]{}\n":
            dots = 0
    return None


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Yield the pieces of a text that may be no TOML, up to a string that never ends."""
    at = 0
    while match := _PIECE.match(text, at):
        piece = match[0]
        at = match.end()
        if piece in {'"""', "'''"}:
            at = _end_of_string(text, at, piece)
            if at < 0:
                return
        yield piece, match.start()


def _end_of_string(text: str, at: int, quotes: str) -> int:
    """Return where a string of several lines that is open at `at` ends, or -1."""
    if quotes == "'''":
        end = text.find(quotes, at)
        return end if end < 0 else end + 3
    return next((found.end() for found in _QUOTE.finditer(text, at) if found[0] == quotes), -1)
