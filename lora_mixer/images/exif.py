"""The two EXIF fields we care for, found in a JPEG, WebP or AVIF without decoding it.

EXIF is a TIFF file inside the picture: a header with the byte order, then directories of 12-byte entries (tag, type,
count, value or its offset). Sources: Exif 2.32; JPEG's APP1 segment; RIFF's `EXIF` chunk; for AVIF the item's bytes are
looked for by their TIFF header, as they always lie in the file uncompressed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from lora_mixer.images.save import EXIF_IFD, MAKER_NOTE, USER_COMMENT

MAX_ENTRIES = 256
MAX_TRIES = 16
ENTRY_BYTES = 12
EXIF_MARK = b"Exif\0\0"
TIFF_MARKS = (b"MM\0*", b"II*\0")
APP1 = 0xE1
START_OF_SCAN = 0xDA
BYTES_OF_TYPE = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}


def exif_fields(data: bytes) -> dict[int, bytes] | None:
    """Return UserComment and MakerNote of a picture by tag; None if it is neither JPEG, WebP nor AVIF."""
    if data[:2] == b"\xff\xd8":
        blocks = _jpeg_blocks(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) > 20:
        blocks = _webp_blocks(data)
    elif data[4:8] == b"ftyp" and b"avi" in data[8:40]:
        blocks = _avif_blocks(data)
    else:
        return None
    return next((fields for fields in map(tiff_fields, blocks) if fields), {})


def tiff_fields(block: bytes) -> dict[int, bytes]:
    """Return UserComment and MakerNote of an EXIF block by tag; a damaged block gives what is whole in it."""
    block = block.removeprefix(EXIF_MARK)
    if block[:4] not in TIFF_MARKS or len(block) < 8:
        return {}
    order = ">" if block[:2] == b"MM" else "<"
    (first,) = struct.unpack_from(f"{order}I", block, 4)
    pointer = dict(_entries(block, order, first)).get(EXIF_IFD, b"")
    if len(pointer) != 4:
        return {}
    (second,) = struct.unpack(f"{order}I", pointer)
    return {tag: value for tag, value in _entries(block, order, second) if tag in {USER_COMMENT, MAKER_NOTE}}


def _entries(block: bytes, order: str, at: int) -> Iterator[tuple[int, bytes]]:
    if at + 2 > len(block):
        return
    (count,) = struct.unpack_from(f"{order}H", block, at)
    for number in range(min(count, MAX_ENTRIES)):
        start = at + 2 + number * ENTRY_BYTES
        if start + ENTRY_BYTES > len(block):
            return
        tag, kind, amount = struct.unpack_from(f"{order}HHI", block, start)
        size = BYTES_OF_TYPE.get(kind, 0) * amount
        offset = start + 8 if size <= 4 else struct.unpack_from(f"{order}I", block, start + 8)[0]
        if size > 0 and offset + size <= len(block):
            yield tag, block[offset : offset + size]


def _jpeg_blocks(data: bytes) -> Iterator[bytes]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != START_OF_SCAN:
        (length,) = struct.unpack_from(">H", data, at + 2)
        body = data[at + 4 : at + 2 + length]
        if data[at + 1] == APP1 and body.startswith(EXIF_MARK):
            yield body
        at += 2 + length


def _webp_blocks(data: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            yield data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def _avif_blocks(data: bytes) -> Iterator[bytes]:
    for mark in TIFF_MARKS:
        at = -1
        for _ in range(MAX_TRIES):
            at = data.find(mark, at + 1)
            if at < 0:
                break
            yield data[at:]
