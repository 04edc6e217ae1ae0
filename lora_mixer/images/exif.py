"""The EXIF fields that carry a picture's parameters, found in a JPEG, WebP or AVIF without decoding it.

EXIF is a TIFF file inside the picture: a header with the byte order, then directories of 12-byte entries (tag, type,
count, value or its offset). Sources: Exif 2.32; JPEG's APP1 segment; RIFF's `EXIF` chunk; for AVIF the item's bytes are
looked for by their TIFF header, as they always lie in the file uncompressed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lora_mixer.images.budget import Budget
from lora_mixer.images.save import EXIF_IFD, MAKER_NOTE, USER_COMMENT

DESCRIPTION = 0x010E
MAKE = 0x010F
MODEL = 0x0110
SOFTWARE = 0x0131
WANTED = frozenset({USER_COMMENT, MAKER_NOTE, DESCRIPTION, MAKE, MODEL, SOFTWARE})
"""Where the programs write: the standard's comment, Fooocus' maker note, and ComfyUI's camera maker and model."""

MAX_ENTRIES = 256
MAX_TRIES = 16
ENTRY_BYTES = 12
EXIF_MARK = b"Exif\0\0"
TIFF_MARKS = (b"MM\0*", b"II*\0")
APP1 = 0xE1
COMMENT = 0xFE
START_OF_SCAN = 0xDA
BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}


def exif_fields(data: bytes, budget: Budget) -> dict[int, bytes] | None:
    """Return the wanted fields of a picture by tag; None if it is neither JPEG, WebP nor AVIF."""
    view = memoryview(data)
    if data[:2] == b"\xff\xd8":
        blocks = _jpeg_blocks(view)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) > 20:
        blocks = _webp_blocks(view)
    elif data[4:8] == b"ftyp" and b"avi" in data[8:40]:
        blocks = _avif_blocks(data)
    else:
        return None
    return next((fields for fields in (tiff_fields(block, budget) for block in blocks) if fields), {})


def jpeg_comment(data: bytes, budget: Budget) -> bytes:
    """Return the first comment segment of a JPEG, or nothing."""
    for kind, body in _segments(memoryview(data)):
        if kind == COMMENT and budget.entry():
            budget.unpacked(len(body))
            return body.tobytes()
    return b""


def tiff_fields(block: memoryview, budget: Budget) -> dict[int, bytes]:
    """Return the wanted fields of an EXIF block by tag; a damaged block gives what is whole in it."""
    if block[: len(EXIF_MARK)] == EXIF_MARK:
        block = block[len(EXIF_MARK) :]
    if bytes(block[:4]) not in TIFF_MARKS or len(block) < 8:
        return {}
    order = ">" if bytes(block[:2]) == b"MM" else "<"
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    fields: dict[int, bytes] = {}
    pointer = _directory(block, order, first, fields, budget)
    if pointer is not None:
        _directory(block, order, pointer, fields, budget)
    return fields


def _directory(block: memoryview, order: str, at: int, fields: dict[int, bytes], budget: Budget) -> int | None:
    """Take the wanted fields of a directory, the first of each tag; return where the EXIF directory is."""
    pointer = None
    for tag, value in _entries(block, order, at, budget):
        if tag == EXIF_IFD and len(value) == 4:
            (pointer,) = struct.unpack(f"{order}I", value)
        elif tag in WANTED and tag not in fields and len(value) <= budget.room():
            budget.unpacked(len(value))
            fields[tag] = value.tobytes()
    return pointer


def _entries(block: memoryview, order: str, at: int, budget: Budget) -> Iterator[tuple[int, memoryview]]:
    if at + 2 > len(block):
        return
    (count,) = struct.unpack_from(f"{order}H", block, at)
    for number in range(min(count, MAX_ENTRIES)):
        start = at + 2 + number * ENTRY_BYTES
        if start + ENTRY_BYTES > len(block) or not budget.entry():
            return
        tag, kind, amount = struct.unpack_from(f"{order}HHI", block, start)
        size = BYTES_OF_TYPE.get(kind, 0) * amount
        offset = start + 8 if size <= 4 else struct.unpack_from(f"{order}I", block, start + 8)[0]
        if size > 0 and offset + size <= len(block):
            yield tag, block[offset : offset + size]


def _segments(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield kind and body of a JPEG's segments up to its pixels."""
    at = 2
    while at + 4 <= len(view) and view[at] == 0xFF and view[at + 1] != START_OF_SCAN:
        (length,) = struct.unpack_from(">H", view, at + 2)
        yield view[at + 1], view[at + 4 : at + 2 + length]
        at += 2 + length


def _jpeg_blocks(view: memoryview) -> Iterator[memoryview]:
    for kind, body in _segments(view):
        if kind == APP1 and body[: len(EXIF_MARK)] == EXIF_MARK:
            yield body


def _webp_blocks(view: memoryview) -> Iterator[memoryview]:
    at = 12
    while at + 8 <= len(view):
        kind, length = struct.unpack_from("<4sI", view, at)
        if kind == b"EXIF":
            yield view[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _avif_blocks(data: bytes) -> Iterator[memoryview]:
    for mark in TIFF_MARKS:
        at = -1
        for _ in range(MAX_TRIES):
            at = data.find(mark, at + 1)
            if at < 0:
                break
            yield memoryview(data)[at:]
