"""A grid of pictures as a value: shown in notebooks, saved in as many pages as it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from math import ceil, sqrt
from os import PathLike
from pathlib import Path
from typing import IO, Protocol, TypeVar, runtime_checkable

from PIL import Image

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import FIELD_TYPES, wrong_type
from lora_mixer.images import open_target
from lora_mixer.sheet.draw import Cell, Failed, draw_sheet, save_sheet
from lora_mixer.sheet.layout import Labels


@runtime_checkable
class Pictured(Protocol):
    """Anything with an `image`, such as `RenderedImage`."""

    @property
    def image(self) -> Image.Image:
        """The pixels."""
        ...


T = TypeVar("T")
Shown = Cell | Pictured


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sheet:
    """A labelled grid.

    Attributes:
        cells: Rows of pictures, files of pictures, rendered images with their records, or None for an empty place.
        labels: The labels around them.
        scale: How much pictures are enlarged; None enlarges small ones by a whole number.
    """

    cells: Sequence[Sequence[Shown]]
    labels: Labels = field(default_factory=Labels)
    scale: float | None = None

    @classmethod
    def of(
        cls,
        pictures: Iterable[Shown],
        *,
        columns: int | None = None,
        captions: Iterable[str] = (),
        title: str = "",
        scale: float | None = None,
    ) -> Sheet:
        """Return pictures one after the other, row by row.

        Args:
            pictures: The pictures.
            columns: Pictures per row; None makes the grid roughly square.
            captions: A line under each picture.
            title: A line above all of them.
            scale: How much pictures are enlarged; None enlarges small ones by a whole number.

        >>> sheet = Sheet.of([Image.new("RGB", (64, 64))] * 5)
        >>> [len(row) for row in sheet.cells]
        [3, 2]

        Raises:
            RequestError: There are no pictures, or fewer than one column.
        """
        every = tuple(pictures)
        width: object = ceil(sqrt(len(every))) if columns is None else columns
        if not FIELD_TYPES["int"].accepts(width) or not isinstance(width, int):
            raise wrong_type("Sheet", "columns", width, "a whole number", "columns=3")
        for picture in every:
            _check(picture)
        if width < 1:
            raise RequestError("a sheet needs a picture and a column", remedy="Give at least one of each.")
        rows = tuple(_rows(every, width))
        under = tuple(_rows(tuple(captions), width))
        return cls(cells=rows, labels=Labels(title=title, captions=under), scale=scale)

    @property
    def image(self) -> Image.Image:
        """The grid as one picture.

        Raises:
            RequestError: It is empty, or one page cannot hold it; `save` makes several.
        """
        return draw_sheet(self._plain(), self.labels, scale=self.scale)

    def save(self, path: str | Path | IO[bytes]) -> tuple[Path, ...]:
        """Write the grid in as many pages as it needs, `grid.png`, `grid-2.png`, ...; return their paths.

        Args:
            path: Where to; or a file that is open for writing bytes, which gets one PNG.

        Raises:
            RequestError: It is empty, the ending is not a picture's, or an open file would need several pages.
            FileError: A page cannot be written.
        """
        if not isinstance(path, (str, PathLike)):
            open_target(path).write(self.png_bytes())
            return ()
        return save_sheet(self._plain(), self.labels, Path(path), scale=self.scale)

    def _plain(self) -> list[list[Cell]]:
        return [[_plain(cell) for cell in row] for row in self.cells]

    def png_bytes(self) -> bytes:
        """Return the grid as one PNG file.

        Raises:
            RequestError: It is empty, or one page cannot hold it.
        """
        out = BytesIO()
        self.image.save(out, "PNG")
        return out.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png_bytes()

    def __repr__(self) -> str:
        """Return its size in pictures: all records would fill pages."""
        columns = max((len(row) for row in self.cells), default=0)
        return f"<Sheet of {columns} x {len(self.cells)} pictures>"


def _plain(cell: Shown) -> Cell:
    if cell is None or isinstance(cell, (Path, Image.Image, Failed)):
        return cell
    return cell.image


def _check(cell: object) -> None:
    if cell is not None and not isinstance(cell, (Path, Image.Image, Failed, Pictured)):
        raise wrong_type("Sheet", "a picture", cell, "a picture or a Path", "Sheet.of(mixer.render_many(prompts))")


def _rows(items: Sequence[T], width: int) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(items), width):
        yield tuple(items[start : start + width])
