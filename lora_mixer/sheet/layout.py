"""The layout of a page, computed before a pixel is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lora_mixer.sheet.text import Fitted, fit

MARGIN = 28
GAP = 8
PAD = 12
TITLE_SIZE = 30
LABEL_SIZE = 20
CAPTION_SIZE = 15
FOOTER_SIZE = 14
LABEL_LINES = 4
CAPTION_LINES = 3
LEAST_TILE = 192
LARGEST_SIDE = 16_000
LARGEST_PAGE = 64_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels around the pictures; empty ones take no room.

    Attributes:
        columns: One label a column.
        rows: One label a row.
        captions: One line under each picture, by row and column.
        title: Above everything.
        footer: Below everything: what all pictures share.
    """

    columns: Sequence[str] = ()
    rows: Sequence[str] = ()
    captions: Sequence[Sequence[str]] = ()
    title: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Sizes in pixels and fitted labels of one page.

    Attributes:
        tile: Width and height of every picture's place.
        left: Where the pictures begin, right of the row labels.
        top: Where the pictures begin, below title and column labels.
        step: Distance from one picture to the next.
        size: Width and height of the page.
    """

    tile: tuple[int, int]
    left: int
    top: int
    step: tuple[int, int]
    size: tuple[int, int]
    title: Fitted | None
    footer: Fitted | None
    columns: tuple[Fitted, ...]
    rows: tuple[Fitted, ...]
    captions: tuple[tuple[Fitted, ...], ...]


def tile_size(picture: tuple[int, int], columns: int, scale: float | None) -> tuple[int, int]:
    """Return the size pictures are shown at: small ones enlarged by a whole number, rows too wide made narrower."""
    width, height = picture
    factor = float(max(1, -(-LEAST_TILE // max(width, height)))) if scale is None else scale
    factor = min(factor, (LARGEST_SIDE - 600) / max(1, columns) / width, LARGEST_SIDE / 2 / height)
    return max(8, round(width * factor)), max(8, round(height * factor))


def lay_out(labels: Labels, rows: int, columns: int, tile: tuple[int, int]) -> Layout:
    """Fit all labels and lay out a page of so many rows and columns."""
    width, height = tile
    heads = tuple(fit(t, width=width, lines=LABEL_LINES, size=LABEL_SIZE) for t in labels.columns)
    sides = tuple(fit(t, width=max(120, width * 3 // 4), lines=LABEL_LINES + 2, size=LABEL_SIZE) for t in labels.rows)
    under = tuple(
        tuple(fit(t, width=width, lines=CAPTION_LINES, size=CAPTION_SIZE) for t in row) for row in labels.captions
    )
    left = MARGIN + (max((s.width for s in sides), default=-PAD) + PAD)
    caption = max((c.height for row in under for c in row), default=-PAD) + PAD
    step = width + GAP, height + GAP + caption
    body = left + columns * step[0] - GAP + MARGIN
    title = fit(labels.title, width=max(240, body - 2 * MARGIN), lines=2, size=TITLE_SIZE) if labels.title else None
    footer = fit(labels.footer, width=max(240, body - 2 * MARGIN), lines=3, size=FOOTER_SIZE) if labels.footer else None
    top = MARGIN + (title.height + 2 * PAD if title else 0) + (max((h.height for h in heads), default=-PAD) + PAD)
    total = top + rows * step[1] - GAP + (footer.height + PAD if footer else 0) + MARGIN
    body = max(body, *(part.width + 2 * MARGIN for part in (title, footer) if part), 0)
    return Layout(
        tile=tile,
        left=left,
        top=top,
        step=step,
        size=(body, total),
        title=title,
        footer=footer,
        columns=heads,
        rows=sides,
        captions=under,
    )


def rows_per_page(labels: Labels, columns: int, tile: tuple[int, int]) -> int:
    """Return how many rows a page can take before it is too large for viewers and for memory."""
    one = lay_out(replace(labels, rows=labels.rows[:1], captions=labels.captions[:1]), 1, columns, tile)
    rest = one.size[1] - one.step[1]
    tallest = min(LARGEST_SIDE, LARGEST_PAGE // one.size[0])
    return max(1, (tallest - rest) // one.step[1])
