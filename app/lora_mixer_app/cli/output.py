"""Printing: JSON in the output's encoding, and text that cannot control the terminal.

A LoRA's metadata, a picture's record and a file's name come from strangers. A terminal obeys control sequences (OSC 52
writes the clipboard, others hide or forge lines), direction marks turn text around, and rich reads `[/red]` as its own
markup. Every command prints through `Console` and `PlainTable` of this module, which clean whatever they are given.
"""

from __future__ import annotations

import codecs
import json
import re
import sys
from typing import Any

import rich.console
import rich.table
from rich.text import Text

_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f"  # C0 but for tab and line feed, and delete
    r"\x80-\x9f"  # C1, which 8-bit terminals take for ESC and a letter
    r"\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"  # directions, and what has no width
    r"\u2028\u2029"  # line ends that only some programs see
    r"\ud800-\udfff\U000e0000-\U000e007f"  # halves of characters, and tags that show nothing
)
_IN_LINES = re.compile(f"[{_UNSEEN}]")
_IN_A_LINE = re.compile(f"[{_UNSEEN}\n]")


def clean(text: str, *, lines: bool = False) -> str:
    r"""Return a text safe for terminals: control characters and direction marks become escapes.

    Args:
        text: A text of any origin.
        lines: Whether line ends stay; else they are escapes, too, so that nobody can forge a line.

    >>> clean("a\x1b]52;c;QQ==\x07b\nerror: c\u202e")
    'a\\x1b]52;c;QQ==\\x07b\\nerror: c\\u202e'
    """
    return (_IN_LINES if lines else _IN_A_LINE).sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


class Console(rich.console.Console):
    """rich's console without its markup and emoji codes, which cleans every text it prints."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 rich's options
        super().__init__(**{"highlight": False, "soft_wrap": True, "markup": False, "emoji": False, **options})

    def print(self, *objects: Any, **options: Any) -> None:  # noqa: ANN401 rich's objects and options
        """Print texts of one or several lines, or tables of ours."""
        options.pop("markup", None)
        options.setdefault("soft_wrap", not any(isinstance(one, PlainTable) for one in objects))
        cleaned = [Text(clean(one, lines=True)) if isinstance(one, str) else one for one in objects]
        super().print(*cleaned, **options)

    def say(self, text: str, *, style: str | None = None) -> None:
        """Print a text on one line."""
        self.print(clean(text), style=style)


class PlainTable(rich.table.Table):
    """A rich table without lines, with cleaned cells and headers and no markup."""

    def __init__(self, *headers: str, **options: Any) -> None:  # noqa: ANN401 rich's options
        super().__init__(**{"box": None, "pad_edge": False, **options})
        for header in headers:
            self.add_column(Text(clean(header)))

    def add_row(self, *cells: Any, **options: Any) -> None:  # noqa: ANN401 rich's cells and options
        """Add a row of texts."""
        super().add_row(*(Text(clean(cell)) if isinstance(cell, str) else cell for cell in cells), **options)


def print_json(value: object) -> None:
    """Print a value as JSON: characters as they are where the output takes all of them, else as JSON's escapes.

    Control characters and direction marks are always escapes, which any reader of JSON takes for what they are.
    """
    whole = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    text = json.dumps(value, indent=2, ensure_ascii=not whole)
    print(_IN_LINES.sub(lambda found: json.dumps(found[0])[1:-1], text))  # noqa: T201
