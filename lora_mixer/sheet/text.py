"""A label fitted into a box: wrapped, shrunk, and cut with an ellipsis only as the last resort."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import ImageDraw

from lora_mixer.sheet.fonts import Font, font_for

MAX_LABEL = 240
LINE_HEIGHT = 1.25
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A label ready to be drawn.

    Attributes:
        lines: Its lines.
        font: The font all of them are drawn in.
        size: The font's size in pixels.
        width: Of the longest line.
        height: Of all lines.
    """

    lines: tuple[str, ...]
    font: Font
    size: int
    width: int
    height: int


def fit(text: str, *, width: int, lines: int, size: int, smallest: int = 11) -> Fitted:
    """Fit a text into a width and a number of lines, at the largest size up to `size` that does it."""
    words = " ".join(text[:MAX_LABEL].split())
    for trial in range(size, smallest, -1):
        fitted = _wrap(words, width, trial)
        if len(fitted.lines) <= lines:
            return fitted
    return _cut(_wrap(words, width, smallest), lines, width)


def draw_text(draw: ImageDraw.ImageDraw, fitted: Fitted, box: tuple[int, int, int, int], colour: Colour) -> None:
    """Draw a fitted label in the middle of a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    y = top + (bottom - top - fitted.height) / 2
    for line in fitted.lines:
        x = left + (right - left - fitted.font.getlength(line)) / 2
        draw.text((round(x), round(y)), line, font=fitted.font, fill=colour)
        y += fitted.size * LINE_HEIGHT


def _wrap(text: str, width: int, size: int) -> Fitted:
    font, drawn = font_for(text, size)
    lines: list[str] = []
    for word in drawn[:MAX_LABEL].split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines += _split_word(word, font, width)
    return _fitted(lines, font, size)


def _split_word(word: str, font: Font, width: int) -> list[str]:
    """Break a word that is wider than the box, and scripts that know no spaces, between characters."""
    pieces = [""]
    for char in word:
        if pieces[-1] and font.getlength(pieces[-1] + char) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces


def _cut(fitted: Fitted, lines: int, width: int) -> Fitted:
    if len(fitted.lines) <= lines:
        return fitted
    kept = list(fitted.lines[:lines])
    last = kept[-1]
    while last and fitted.font.getlength(f"{last}...") > width:
        last = last[:-1]
    kept[-1] = f"{last.rstrip()}..."
    return _fitted(kept, fitted.font, fitted.size)


def _fitted(lines: list[str], font: Font, size: int) -> Fitted:
    width = max((font.getlength(line) for line in lines), default=0.0)
    height = size * (1 + LINE_HEIGHT * (len(lines) - 1))
    return Fitted(lines=tuple(lines), font=font, size=size, width=round(width), height=round(height))
