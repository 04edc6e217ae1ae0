"""Drawn masks: small grey pictures inside a record, made from pictures of any size."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from lora_mixer.errors import BrokenFileError, FileError, MissingFileError
from lora_mixer.files import read_file
from lora_mixer.images.pixels import MOST_BYTES, decode_bytes
from lora_mixer.places import DrawnMask

LONGEST_SIDE = 512
"""Pixels. Masks act on the cells of latents, of which the largest pictures have as many a side."""


def pixels_of(mask: DrawnMask) -> Image.Image:
    """Return a mask's pixels, light and opacity (mode LA).

    Raises:
        BrokenFileError: It is a damaged picture, or a large one.
    """
    return decode_bytes(mask.file, "a drawn mask", "LA", most=4 * LONGEST_SIDE**2, side=4 * LONGEST_SIDE)


def drawn_mask(picture: Path | Image.Image) -> DrawnMask:
    """Return the mask that a picture is: white acts; black and transparent do not.

    Raises:
        MissingFileError: There is no such file.
        BrokenFileError: It is no picture.
    """
    image = picture if isinstance(picture, Image.Image) else _opened(picture)
    light, opaque = (np.asarray(band, dtype=np.uint16) for band in image.convert("LA").split())
    grey = Image.fromarray(((light * opaque + 127) // 255).astype(np.uint8))
    longest = max(grey.size)
    if longest > LONGEST_SIDE:
        width, height = (max(round(side * LONGEST_SIDE / longest), 1) for side in grey.size)
        grey = grey.resize((width, height), Image.Resampling.BOX)
    out = BytesIO()
    grey.save(out, format="PNG", optimize=True)
    return DrawnMask.of(out.getvalue())


def _opened(path: Path) -> Image.Image:
    try:
        return decode_bytes(read_file(path, at_most=MOST_BYTES), str(path), "LA")
    except BrokenFileError:
        raise
    except FileError as error:
        raise MissingFileError(f"the mask cannot be read: {error.what}", where=str(path)) from error
