"""Decode untrusted pictures: only regular files, few formats, bounded size."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageOps

from lora_mixer.errors import BrokenFileError, FileError
from lora_mixer.files import open_file

DECODED = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")
"""Pillow's names of what is decoded. It would try some forty formats, and start Ghostscript for one of them."""

MOST_BYTES = 256 * 2**20
MOST_PIXELS = 8 * 2**20
MOST_SIDE = 8192
"""A side of a mask or preview, in pixels. Pictures of a run have bounds of their own."""

MOST_INPUT_PIXELS = 64 * 2**20
MOST_INPUT_SIDE = 16384
"""An input picture may be a photograph as it comes from a camera."""


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

    def converted(picture: Image.Image) -> Image.Image:
        if about is not None:
            picture.draft(mode, about)
        return picture.convert(mode)

    with open_file(path, at_most=MOST_BYTES) as handle:
        return _decoded(handle, str(path), converted, most=most, side=side)


def decode_bytes(data: bytes, where: str, mode: str, *, most: int = MOST_PIXELS, side: int = MOST_SIDE) -> Image.Image:
    """Return the pixels of a picture's bytes, as `load_pixels` does.

    Raises:
        BrokenFileError: It is no picture of `DECODED`, damaged, or too large.
    """
    return _decoded(BytesIO(data), where, lambda picture: picture.convert(mode), most=most, side=side)


def decode_input(data: bytes, where: str) -> Image.Image:
    """Return the pixels of an input picture's file, upright, in mode L, LA, RGB or RGBA.

    Raises:
        BrokenFileError: It is no picture of `DECODED`, damaged, or too large.
    """
    return _decoded(BytesIO(data), where, _upright, most=MOST_INPUT_PIXELS, side=MOST_INPUT_SIDE)


def _decoded(
    handle: BinaryIO, where: str, read: Callable[[Image.Image], Image.Image], *, most: int, side: int
) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large pictures and odd metadata; the size is checked below
        try:
            with Image.open(handle, formats=DECODED) as picture:
                _check_size(where, picture.size, most, side)
                return read(picture)
        except FileError:
            raise
        except Exception as error:  # Pillow's readers raise whatever their parsing comes upon
            raise BrokenFileError(
                "this is not a readable picture", where=where, remedy=f"Read are {', '.join(DECODED)}."
            ) from error


def _upright(picture: Image.Image) -> Image.Image:
    """Return a picture turned as its EXIF says, in eight bits a channel."""
    turned = ImageOps.exif_transpose(picture)
    if turned.mode.startswith("I"):  # 16 bits of grey
        import numpy as np  # here alone: commands that decode nothing must not import it

        return Image.fromarray((np.asarray(turned).astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8))
    if turned.mode in {"L", "LA", "RGB", "RGBA"} and "transparency" not in turned.info:
        turned.load()
        return turned
    return turned.convert("RGBA" if turned.has_transparency_data else "RGB")


def _check_size(where: str, size: tuple[int, int], most: int, side: int) -> None:
    if size[0] * size[1] > most or max(size) > side:
        raise BrokenFileError(
            f"a picture of {size[0]} x {size[1]} pixels is too large here",
            where=where,
            remedy=f"Use at most {most:,} pixels and {side:,} a side.",
        )
