"""Two plots as pictures: bars by block, and a heat map of cosines. Drawn with the sheet's fonts."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from lora_mixer.sheet.text import draw_text, fit

PAPER, INK, GRID = (250, 250, 248), (32, 34, 38), (214, 215, 219)
SERIES = ((38, 98, 168), (208, 112, 30), (44, 138, 84), (176, 56, 66), (118, 82, 168), (120, 92, 62), (204, 84, 150))
"""Colours of the adapters in their order; after the last the first comes again."""
ALIKE, OPPOSED = (192, 70, 40), (38, 98, 168)
MARGIN, SIDE, ROW = 16, 150, 26
HEAD = 44  # where the page lays its own label
BAR = 14
WIDTH = 900


def bar_plot(values: Sequence[Sequence[float]], names: Sequence[str], blocks: Sequence[str]) -> Image.Image:
    """Draw one group of bars a block, one bar an adapter.

    Args:
        values: By adapter and block; not negative.
        names: The adapters.
        blocks: The blocks.
    """
    group = BAR * len(names) + 10
    top = HEAD + ROW * len(names) + MARGIN
    image = Image.new("RGB", (WIDTH, top + group * len(blocks) + MARGIN), PAPER)
    draw = ImageDraw.Draw(image)
    for index, name in enumerate(names):
        y = HEAD + ROW * index
        draw.rectangle((MARGIN, y + 5, MARGIN + 16, y + 19), fill=_colour(index))
        _left(draw, name, (MARGIN + 26, y, WIDTH - MARGIN, y + ROW))
    largest = max((value for row in values for value in row), default=0.0) or 1.0
    for at, block in enumerate(blocks):
        y = top + at * group
        draw.line((SIDE, y - 4, WIDTH - MARGIN, y - 4), fill=GRID)
        _left(draw, block, (MARGIN, y, SIDE - 8, y + group - 10))
        for index, row in enumerate(values):
            _bar(draw, row[at], row[at] / largest, y + index * BAR, _colour(index))
    return image


def heat_map(values: Sequence[Sequence[float]], rows: Sequence[str], columns: Sequence[str]) -> Image.Image:
    """Draw a table of numbers from -1 to 1 as coloured cells with the numbers in them."""
    cell_width = max(52, min(140, (WIDTH - SIDE - 2 * MARGIN) // max(1, len(columns))))
    left, top, height = MARGIN + SIDE, HEAD + 2 * ROW, 34
    image = Image.new("RGB", (left + cell_width * len(columns) + MARGIN, top + height * len(rows) + MARGIN), PAPER)
    draw = ImageDraw.Draw(image)
    for x, name in enumerate(columns):
        label = fit(name, width=cell_width - 4, lines=2, size=15)
        draw_text(draw, label, (left + x * cell_width, HEAD, left + (x + 1) * cell_width, top - 4), INK)
    for y, name in enumerate(rows):
        _left(draw, name, (MARGIN, top + y * height, left - 6, top + (y + 1) * height))
        for x in range(len(columns)):
            box = (left + x * cell_width, top + y * height, left + (x + 1) * cell_width - 2, top + (y + 1) * height - 2)
            _cell(draw, values[y][x], box)
    return image


def _cell(draw: ImageDraw.ImageDraw, value: float, box: tuple[int, int, int, int]) -> None:
    ink = PAPER if abs(value) > 0.6 else INK
    draw.rectangle(box, fill=heat(value))
    draw_text(draw, fit(f"{value:.2f}", width=box[2] - box[0], lines=1, size=15), box, ink)


def heat(value: float) -> tuple[int, int, int]:
    """Return the colour of a cosine: paper at 0, one hue for alike, another for opposed."""
    end, share = (ALIKE if value > 0 else OPPOSED), min(1.0, abs(value))
    red, green, blue = (round(p + (e - p) * share) for p, e in zip(PAPER, end, strict=True))
    return red, green, blue


def _bar(draw: ImageDraw.ImageDraw, value: float, share: float, y: int, colour: tuple[int, int, int]) -> None:
    right = SIDE + round((WIDTH - SIDE - MARGIN - 70) * share)
    draw.rectangle((SIDE, y, max(SIDE + 1, right), y + BAR - 3), fill=colour)
    _left(draw, f"{value:.1%}", (right + 6, y - 2, right + 70, y + BAR))


def _left(draw: ImageDraw.ImageDraw, text: str, box: tuple[int, int, int, int]) -> None:
    """Write a text on the left of a box, in the middle of its height."""
    fitted = fit(text, width=box[2] - box[0], lines=1, size=15)
    draw_text(draw, fitted, (box[0], box[1], box[0] + fitted.width, box[3]), INK)


def _colour(index: int) -> tuple[int, int, int]:
    return SERIES[index % len(SERIES)]
