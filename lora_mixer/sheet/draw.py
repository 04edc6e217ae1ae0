"""The labelled grid: pictures side by side, with what distinguishes them written at the edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from PIL import Image, ImageDraw

from lora_mixer.errors import FileError, RequestError
from lora_mixer.files import open_file
from lora_mixer.images import FORMATS, write_whole
from lora_mixer.sheet.layout import LARGEST_SIDE, Labels, Layout, lay_out, rows_per_page, tile_size
from lora_mixer.sheet.text import draw_text, fit

PAPER = (250, 250, 248)
INK = (32, 34, 38)
GREY = (120, 122, 128)
TILE = (236, 236, 233)
FAILED = (252, 231, 228)
RED = (160, 40, 30)
PICTURE_FORMATS = ("PNG", "WEBP", "JPEG", "AVIF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A cell whose picture could not be made, and why."""

    reason: str


Cell = Path | Image.Image | Failed | None
"""A picture, a file that holds one, the reason why there is none, or an empty place."""


def draw_sheet(cells: Sequence[Sequence[Cell]], labels: Labels, *, scale: float | None = None) -> Image.Image:
    """Draw a labelled grid as one page.

    Args:
        cells: Rows of cells; short rows are filled with empty places.
        labels: The labels around them.
        scale: How much pictures are enlarged; None enlarges small ones by a whole number.

    Raises:
        RequestError: The grid is empty, or one page cannot hold it (`save_sheet` makes several).
    """
    pages = list(_plan(cells, labels, scale))
    if len(pages) != 1:
        raise RequestError(
            f"the grid needs {len(pages)} pages", remedy="Save it in pages, or show the pictures smaller."
        )
    return _page(*pages[0])


def save_sheet(
    cells: Sequence[Sequence[Cell]], labels: Labels, path: Path, *, scale: float | None = None
) -> tuple[Path, ...]:
    """Write a labelled grid, in as many pages as it needs: `grid.png`, `grid-2.png`, ...; return their paths.

    Raises:
        RequestError: The grid is empty, or the ending is not a picture's.
        FileError: A page cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise RequestError("a grid is a picture", where=str(path), remedy=f"End its name in {', '.join(FORMATS)}.")
    name, options = FORMATS[path.suffix.lower()]
    written = []
    for number, (part, around, tile) in enumerate(_plan(cells, labels, scale), start=1):
        target = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        page = _page(part, around, tile)
        write_whole(target, _writer(page, name, options))
        written.append(target)
    return tuple(written)


def _writer(page: Image.Image, name: str, options: Mapping[str, object]) -> Callable[[IO[bytes]], None]:
    return lambda out: page.save(out, name, **options)


_Plan = tuple[Sequence[Sequence[Cell]], Labels, tuple[int, int]]


def _plan(cells: Sequence[Sequence[Cell]], labels: Labels, scale: float | None) -> Iterator[_Plan]:
    columns = max((len(row) for row in cells), default=0)
    if not columns:
        raise RequestError("there are no pictures to lay out", remedy="Render at least one.")
    tile = tile_size(_largest(cells), columns, scale)
    height = rows_per_page(labels, columns, tile)
    for start in range(0, len(cells), height):
        part = slice(start, start + height)
        yield cells[part], replace(labels, rows=labels.rows[part], captions=labels.captions[part]), tile


def _largest(cells: Sequence[Sequence[Cell]]) -> tuple[int, int]:
    sizes = [_size(cell) for row in cells for cell in row if isinstance(cell, (Path, Image.Image))]
    return max((w for w, _ in sizes), default=128), max((h for _, h in sizes), default=128)


def _size(cell: Path | Image.Image) -> tuple[int, int]:
    if isinstance(cell, Image.Image):
        return cell.size
    try:
        with open_file(cell) as handle, Image.open(handle, formats=PICTURE_FORMATS) as image:
            return image.size
    except (OSError, FileError):
        return 1, 1


def _page(cells: Sequence[Sequence[Cell]], labels: Labels, tile: tuple[int, int]) -> Image.Image:
    columns = max(len(row) for row in cells)
    layout = lay_out(labels, len(cells), columns, tile)
    page = Image.new("RGB", layout.size, PAPER)
    draw = ImageDraw.Draw(page)
    _draw_labels(draw, layout)
    for y, row in enumerate(cells):
        for x in range(columns):
            at = layout.left + x * layout.step[0], layout.top + y * layout.step[1]
            _draw_cell(page, draw, row[x] if x < len(row) else None, at, tile)
    return page


def _draw_labels(draw: ImageDraw.ImageDraw, layout: Layout) -> None:
    width, height = layout.size
    tile_width, tile_height = layout.tile
    if layout.title:
        draw_text(draw, layout.title, (0, 28, width, 28 + layout.title.height), INK)
    if layout.footer:
        draw_text(draw, layout.footer, (0, height - 24 - layout.footer.height, width, height - 24), GREY)
    for x, label in enumerate(layout.columns):
        left = layout.left + x * layout.step[0]
        draw_text(draw, label, (left, layout.top - 10 - label.height, left + tile_width, layout.top - 10), INK)
    for y, label in enumerate(layout.rows):
        top = layout.top + y * layout.step[1]
        draw_text(draw, label, (28, top, layout.left - 12, top + tile_height), INK)
    for y, row in enumerate(layout.captions):
        for x, label in enumerate(row):
            left, top = layout.left + x * layout.step[0], layout.top + y * layout.step[1] + tile_height + 5
            draw_text(draw, label, (left, top, left + tile_width, top + label.height), GREY)


def _draw_cell(
    page: Image.Image, draw: ImageDraw.ImageDraw, cell: Cell, at: tuple[int, int], tile: tuple[int, int]
) -> None:
    shown = _shown(cell, tile)
    left, top = at
    right, bottom = left + tile[0], top + tile[1]
    if isinstance(shown, Failed):
        draw.rectangle((left, top, right - 1, bottom - 1), fill=FAILED, outline=RED)
        reason = fit(shown.reason, width=tile[0] - 16, lines=max(2, tile[1] // 18 - 1), size=15)
        draw_text(draw, reason, (left, top, right, bottom), RED)
    elif shown is None:
        draw.rectangle((left, top, right - 1, bottom - 1), fill=TILE)
    else:
        page.paste(shown, (left + (tile[0] - shown.width) // 2, top + (tile[1] - shown.height) // 2))


def _shown(cell: Cell, tile: tuple[int, int]) -> Image.Image | Failed | None:
    """Return a cell's image, scaled to its place, or the reason it is missing."""
    if isinstance(cell, Path):
        try:
            with open_file(cell) as handle, Image.open(handle, formats=PICTURE_FORMATS) as image:
                return _scaled(image, tile)
        except FileError as error:
            return Failed(reason=f"{cell.name}: {error.what}")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            return Failed(reason=f"{cell.name}: {error}")
    return _scaled(cell, tile) if isinstance(cell, Image.Image) else cell


def _scaled(image: Image.Image, tile: tuple[int, int]) -> Image.Image:
    factor = min(tile[0] / image.width, tile[1] / image.height, LARGEST_SIDE / max(image.size))
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    picture = image.convert("RGB")
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)
