"""A text hidden in the last bits of a picture's pixels ("stealth pnginfo"), for pictures whose chunks were stripped.

The bits run down the columns, left to right: of the alpha channel, or of red, green and blue of each pixel in turn.
First a mark of 15 letters, then the text's length in bits as 32 bits (big endian), then the text in UTF-8, packed by gzip
where the mark says so. Sources: NovelAI's `novelai-image-metadata`; `sd_webui_stealth_pnginfo`; SwarmUI's
`MetadataHelper.cs`. This is the one reader that decodes pixels, and only of pictures that carry no text otherwise.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from lora_mixer.images.budget import Budget

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 10_000_000
MARK_BYTES = 15
LENGTH_BYTES = 4
GZIP = 31
MARKS = {"A": {b"stealth_pnginfo": False, b"stealth_pngcomp": True}}
MARKS["RGB"] = {b"stealth_rgbinfo": False, b"stealth_rgbcomp": True}
KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def hidden_text(data: bytes, budget: Budget) -> str:
    """Return the text hidden in a PNG's or a lossless WebP's pixels; empty if there is none, or it is damaged."""
    from PIL import Image

    plain, kind = (_bare_png(data), "PNG") if data.startswith(PNG_MAGIC) else (data, "WEBP")
    if kind == "WEBP" and (data[:4] != b"RIFF" or data[12:16] not in {b"VP8L", b"VP8X"}):
        return ""
    try:
        with Image.open(io.BytesIO(plain), formats=[kind]) as picture:
            if picture.width * picture.height > MAX_PIXELS or picture.mode not in {"RGB", "RGBA"}:
                return ""
            return _text_in(picture, budget)
    except (OSError, ValueError, SyntaxError, EOFError, zlib.error, struct.error, Image.DecompressionBombError):
        return ""


def _text_in(picture: Image.Image, budget: Budget) -> str:
    for bands in ("A", "RGB"):
        if set(bands) <= set(picture.getbands()):
            bits = _bit_reader(picture, bands)
            mark = bits(0, MARK_BYTES)
            if mark in MARKS[bands]:
                (length,) = struct.unpack(">I", bits(MARK_BYTES, LENGTH_BYTES))
                size = min(length // 8, budget.room())
                return _unpacked(bits(MARK_BYTES + LENGTH_BYTES, size), budget, packed=MARKS[bands][mark])
    return ""


def _bit_reader(picture: Image.Image, bands: str) -> Callable[[int, int], bytes]:
    """Return a function of (first byte, count) that reads bytes out of the last bits; what is not there is left out."""
    import numpy as np

    pixels = np.asarray(picture.getchannel("A") if bands == "A" else picture.convert("RGB"))
    column = pixels.shape[0] * len(bands)

    def read(first: int, count: int) -> bytes:
        start, end = first * 8, (first + count) * 8
        left, right = start // column, -(-end // column)
        bits = np.moveaxis(pixels[:, left:right] & 1, 1, 0).reshape(-1)[start - left * column : end - left * column]
        return bytes(np.packbits(bits)[: bits.size // 8])

    return read


def _unpacked(body: bytes, budget: Budget, *, packed: bool) -> str:
    text = zlib.decompressobj(GZIP).decompress(body, budget.room()) if packed and budget.room() else body
    budget.unpacked(len(text))
    return text.decode("utf-8", "replace")


def _bare_png(data: bytes) -> bytes:
    """Return a PNG without all chunks but those of its pixels, so that no other is unpacked."""
    view, at, parts = memoryview(data), len(PNG_MAGIC), [memoryview(PNG_MAGIC)]
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in KEPT:
            parts.append(view[at : at + 12 + length])
        at += 12 + length
    return b"".join(parts)
