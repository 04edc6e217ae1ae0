"""The text a picture file carries, found without decoding a pixel. Every loop is bounded by the file's own bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from lora_mixer.errors import BrokenFileError, RequestError
from lora_mixer.files import read_file
from lora_mixer.images.exif import exif_fields, tiff_fields
from lora_mixer.images.save import MAKER_NOTE, OUR_CHUNK, OUR_NOTE, PARAMETERS, UNICODE, USER_COMMENT

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
MAX_FILE = 512 * 1024 * 1024
MAX_TEXT = 8 * 1024 * 1024
MAX_TEXTS = 64
MAX_SIDE = 65_535
IHDR_BYTES = 13


def read_texts(path: Path) -> dict[str, str]:
    """Return the texts of a picture by key: PNG's text chunks; `parameters` and `lora-mixer` from EXIF.

    Raises:
        MissingFileError: There is no such file.
        BrokenFileError: It is no picture, or it is damaged before its texts.
        RequestError: It is larger than any picture we read.
    """
    data = _bytes(path)
    if data.startswith(PNG_MAGIC):
        return _png(data, path)
    fields = exif_fields(data)
    if fields is None:
        raise BrokenFileError(
            "this is no picture that can be read", where=str(path), remedy="PNG, JPEG, WebP and AVIF are read."
        )
    return _exif_texts(fields)


def _bytes(path: Path) -> bytes:
    try:
        return read_file(path, at_most=MAX_FILE)
    except BrokenFileError as error:
        raise RequestError(
            error.what, where=error.where, remedy=f"Pictures up to {MAX_FILE} bytes are read."
        ) from error


def _png(data: bytes, path: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for kind, body in _png_chunks(data, path):
        if kind == b"IHDR":
            _check_size(body, path)
        elif kind in {b"tEXt", b"zTXt", b"iTXt"} and len(texts) < MAX_TEXTS:
            key, _, rest = body.partition(b"\0")
            text = _PNG_TEXT[kind](rest)
            texts.setdefault(key.decode("latin-1"), text)
        elif kind == b"eXIf":
            texts = {**_exif_texts(tiff_fields(body)), **texts}
    return texts


def _png_chunks(data: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG_MAGIC)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise BrokenFileError(
                "the PNG ends in the middle of a chunk", where=str(path), remedy="Copy the file again."
            )
        if kind == b"IEND":
            return
        yield kind, b"" if kind == b"IDAT" else data[at + 8 : end]
        at = end + 4


def _check_size(body: bytes, path: Path) -> None:
    if len(body) != IHDR_BYTES:
        raise BrokenFileError("the PNG's header has the wrong length", where=str(path), remedy="Use another copy.")
    width, height = struct.unpack_from(">II", body)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise BrokenFileError(
            f"the PNG says it is {width}x{height}", where=str(path), remedy=f"Sides go from 1 to {MAX_SIDE}."
        )


def _plain_text(rest: bytes) -> str:
    """Decode a tEXt body: Latin-1 by the standard, UTF-8 by many a writer."""
    rest = rest[:MAX_TEXT]
    try:
        return rest.decode("utf-8")
    except UnicodeDecodeError:
        return rest.decode("latin-1")


def _international_text(rest: bytes) -> str:
    packed = rest[:1] == b"\1"
    _language, _, tail = rest[2:].partition(b"\0")
    _keyword, _, body = tail.partition(b"\0")
    return (_inflate(body) if packed else body[:MAX_TEXT]).decode("utf-8", "replace")


def _inflate(body: bytes) -> bytes:
    """Unpack at most `MAX_TEXT` bytes; what is damaged gives what came before the damage."""
    try:
        return zlib.decompressobj().decompress(body, MAX_TEXT)
    except zlib.error:
        return b""


_PNG_TEXT = {
    b"tEXt": _plain_text,
    b"zTXt": lambda rest: _plain_text(_inflate(rest[1:])),
    b"iTXt": _international_text,
}


def _exif_texts(fields: Mapping[int, bytes]) -> dict[str, str]:
    texts = {}
    if USER_COMMENT in fields:
        texts[PARAMETERS] = decode_comment(fields[USER_COMMENT])
    note = fields.get(MAKER_NOTE, b"")
    if note.startswith(OUR_NOTE):
        texts[OUR_CHUNK] = note.removeprefix(OUR_NOTE).decode("utf-8", "replace")
    return texts


def decode_comment(comment: bytes) -> str:
    """Decode a UserComment: UTF-16 of either byte order after `UNICODE`, else UTF-8, else Latin-1.

    Writers disagree on the byte order; infotext is mostly ASCII, so the right one has its zero bytes first.
    """
    code, body = comment[:8], comment[8:]
    if code == UNICODE:
        big_endian = body[0::2].count(0) >= body[1::2].count(0)
        return body.decode("utf-16-be" if big_endian else "utf-16-le", "replace").removeprefix("\ufeff")
    known = code in {b"ASCII\0\0\0", bytes(8)}
    return _plain_text(body if known else comment).rstrip("\0")
