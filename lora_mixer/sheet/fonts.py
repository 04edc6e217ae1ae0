"""Fonts for labels: one for each run of characters, so that a title may mix scripts.

Tried in this order: Pillow's own font (Latin), the Noto subsets of this package (European scripts, Thai, Hebrew,
Arabic, Devanagari, common Chinese, Japanese and Korean, emoji), then every font file of the system.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]

SHIPPED = Path(__file__).parents[1] / "data" / "fonts"
SUBSETS = ("europe", "thai", "hebrew", "arabic", "devanagari", "cjk", "emoji")
WIDE = frozenset(SHIPPED / f"{name}.woff2" for name in ("cjk", "emoji"))
"""Fonts whose spaces are as wide as their characters; Latin ones stand in."""

ENDINGS = (".ttf", ".otf", ".ttc")
MOST_SYSTEM_FONTS = 400
UNKNOWN = "\ufffd"
"""Drawn for a character that no font has."""

JOINED = frozenset({"Cf", "Mn", "Mc", "Me", "Cc"})
"""Unicode categories of characters that belong to the one before: joiners, marks, variation selectors."""

_NO_CHARACTER = "\uffff"
_PROBE_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GlyphRun:
    """Adjacent characters drawn in one font."""

    text: str
    font: Font


@lru_cache(maxsize=4096)
def runs_of(text: str, size: int) -> tuple[GlyphRun, ...]:
    """Return a text as runs, each with the first font that has its characters.

    >>> "".join(run.text for run in runs_of("cat 猫 🐱", 16))
    'cat 猫 🐱'
    """
    fonts = [_font_with(UNKNOWN) if _unknown(char) else _font_with(char) for char in text]
    drawn = [UNKNOWN if _unknown(char) else char for char in text]
    for at, char in enumerate(text):
        if at and _joins(char):
            fonts[at], drawn[at] = fonts[at - 1], char
    for at, char in enumerate(text):
        if at and char.isspace():  # a space within a script stays in it, so that lines from right to left stay whole
            after = next((fonts[i] for i in range(at, len(text)) if not text[i].isspace()), None)
            fonts[at] = after if after == fonts[at - 1] and after not in WIDE else None
    groups = groupby(zip(drawn, fonts, strict=True), key=lambda pair: pair[1])
    return tuple(GlyphRun(text="".join(char for char, _ in group), font=_load(path, size)) for path, group in groups)


def _joins(char: str) -> bool:
    return unicodedata.category(char) in JOINED


def _unknown(char: str) -> bool:
    return _font_with(char) is None and not char.isspace() and not _has(None, char)


def length(text: str, size: int) -> float:
    """Return a line's width in pixels."""
    return sum(run.font.getlength(run.text) for run in runs_of(text, size))


def draw_line(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, colour: Colour) -> None:
    """Draw a line from its upper left corner, all runs on one baseline."""
    x, y = float(at[0]), at[1] + _ascent(_load(None, size))
    for run in runs_of(text, size):
        draw.text((round(x), y), run.text, font=run.font, fill=colour, anchor="ls")
        x += run.font.getlength(run.text)


@lru_cache(maxsize=8192)
def _font_with(char: str) -> Path | None:
    """Return the first font file with a glyph for a character; None means Pillow's own font, or no font at all."""
    if char.isspace() or _has(None, char):
        return None
    return next((path for path in _candidates() if _has(path, char)), None)


def _candidates() -> Iterator[Path]:
    yield from (SHIPPED / f"{name}.woff2" for name in SUBSETS)
    yield from _system_fonts()


@cache
def _system_fonts() -> tuple[Path, ...]:
    """Return the font files of the system, those for many scripts first."""
    files = [
        Path(folder, name)
        for root in _system_folders()
        for folder, _, names in os.walk(root)
        for name in names
        if name.lower().endswith(ENDINGS)
    ]
    files.sort(key=lambda path: (not path.stem.endswith(("Sans", "Regular", "Unicode")), path.name))
    return tuple(files[:MOST_SYSTEM_FONTS])


def _system_folders() -> tuple[Path, ...]:
    home = Path("~").expanduser()
    if sys.platform == "win32":
        return (Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts",)
    if sys.platform == "darwin":
        return Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"
    return Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local" / "share" / "fonts"


@lru_cache(maxsize=256)
def _load(path: Path | None, size: int) -> Font:
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size)


def _has(path: Path | None, char: str) -> bool:
    try:
        font = _load(path, _PROBE_SIZE)
        return _shape(font, char) != _shape(font, _NO_CHARACTER)
    except (OSError, ValueError):  # a broken font file, or one with bitmaps of another size only
        return False


def _shape(font: Font, char: str) -> tuple[object, bytes]:
    mask = font.getmask(char)
    return mask.size, bytes(mask)


def _ascent(font: Font) -> int:
    return font.getmetrics()[0] if isinstance(font, ImageFont.FreeTypeFont) else 0
