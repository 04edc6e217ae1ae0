"""The one way to decode a picture that a stranger could have made or placed: regular files, few formats, bounded size."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from lora_mixer.errors import BrokenFileError, FileError
from lora_mixer.files import open_file

DECODED = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")
"""Pillow's names of what is decoded. It would try some forty formats, and start Ghostscript for one of them."""

MOST_BYTES = 256 * 2**20
MOST_PIXELS = 8 * 2**20
MOST_SIDE = 8192
"""A side of a mask or preview, in pixels. Pictures of a run have bounds of their own."""


def load_pixels(
    path: Path, mode: str, *, most: int = MOST_PIXELS, side: int = MOST_SIDE, about: tuple[int, int] | None = None
) -> Image.Image:
    """Return a picture's pixels.

    Args:
        path: The picture.
        mode: Pillow's mode that they are converted to.
        most: How many pixels it may have.
        side: How long its longer side may be, in pixels.
        about: A size that is enough: a JPEG is then decoded at an eighth or more of its own.

    Raises:
        MissingFileError: It is not there, or is no regular file.
        BrokenFileError: It is no picture of `DECODED`, damaged, or too large.
    """
    with open_file(path, at_most=MOST_BYTES) as handle, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large pictures and odd metadata; the size is checked below
        try:
            with Image.open(handle, formats=DECODED) as picture:
                _check_size(path, picture.size, most, side)
                if about is not None:
                    picture.draft(mode, about)
                return picture.convert(mode)
        except FileError:
            raise
        except Exception as error:  # Pillow's readers raise whatever their parsing comes upon
            raise BrokenFileError(
                "this is no picture that can be read", where=str(path), remedy=f"Read are {', '.join(DECODED)}."
            ) from error


def _check_size(path: Path, size: tuple[int, int], most: int, side: int) -> None:
    if size[0] * size[1] > most or max(size) > side:
        raise BrokenFileError(
            f"a picture of {size[0]} x {size[1]} pixels is too large here",
            where=str(path),
            remedy=f"Use at most {most:,} pixels and {side:,} a side.",
        )
