"""A label fitted into a box: wrapped, shrunk, and cut with an ellipsis only as the last resort."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import ImageDraw

from lora_mixer.sheet.fonts import Colour, draw_line, length

MAX_LABEL = 240
LINE_HEIGHT = 1.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A label ready to be drawn.

    Attributes:
        lines: Its lines.
        size: Of the fonts they are drawn in, in pixels.
        width: Of the longest line.
        height: Of all lines.
    """

    lines: tuple[str, ...]
    size: int
    width: int
    height: int


def fit(text: str, *, width: int, lines: int, size: int, smallest: int = 11) -> Fitted:
    """Fit a text into a width and a number of lines, at the largest font size that fits, up to `size`."""
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
        x = left + (right - left - length(line, fitted.size)) / 2
        draw_line(draw, (round(x), round(y)), line, fitted.size, colour)
        y += fitted.size * LINE_HEIGHT


def _wrap(text: str, width: int, size: int) -> Fitted:
    lines: list[str] = []
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and length(joined, size) <= width:
            lines[-1] = joined
        else:
            lines += _split_word(word, width, size)
    return _fitted(lines, size)


def _split_word(word: str, width: int, size: int) -> list[str]:
    """Break words wider than the box, and scripts without spaces, between characters."""
    pieces = [""]
    for char in word:
        if pieces[-1] and length(pieces[-1] + char, size) > width:
            pieces.append("")
        pieces[-1] += char
    return pieces


def _cut(fitted: Fitted, lines: int, width: int) -> Fitted:
    if len(fitted.lines) <= lines:
        return fitted
    kept = list(fitted.lines[:lines])
    last = kept[-1]
    while last and length(f"{last}...", fitted.size) > width:
        last = last[:-1]
    kept[-1] = f"{last.rstrip()}..."
    return _fitted(kept, fitted.size)


def _fitted(lines: list[str], size: int) -> Fitted:
    width = max((length(line, size) for line in lines), default=0.0)
    height = size * (1 + LINE_HEIGHT * (len(lines) - 1))
    return Fitted(lines=tuple(lines), size=size, width=round(width), height=round(height))
