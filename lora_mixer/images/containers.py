"""The text a picture file carries. Every loop is bounded by the file's own bytes, what is unpacked by a budget a file.

Only a picture that carries no text at all, but may have one hidden in its pixels, is decoded (`stealth`).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from lora_mixer.errors import BrokenFileError
from lora_mixer.files import read_file
from lora_mixer.images.budget import Budget
from lora_mixer.images.exif import DESCRIPTION, MAKE, MODEL, SOFTWARE, exif_fields, jpeg_comment, tiff_fields
from lora_mixer.images.save import MAKER_NOTE, OUR_CHUNK, OUR_NOTE, PARAMETERS, UNICODE, USER_COMMENT
from lora_mixer.images.stealth import hidden_text

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
MAX_FILE = 512 * 1024 * 1024
MAX_KEY = 79
MAX_SIDE = 65_535
IHDR_BYTES = 13
TEXT_KINDS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
DESCRIPTION_KEY, SOFTWARE_KEY, MAKER_KEY = "Description", "Software", "maker note"
GRAPH_KEYS = ("prompt", "workflow")
CARRIERS = frozenset(
    {PARAMETERS, OUR_CHUNK, *GRAPH_KEYS, "Comment", "comment", "metadata", "invokeai_metadata", "sd-metadata", "Dream"}
    | {"invokeai_graph", "XML:com.adobe.xmp", "negative_prompt", "Negative Prompt", "Prompt", "postprocessing"}
)
"""The keys that some program keeps a picture's parameters under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTexts:
    """What a picture file carries.

    Attributes:
        by_key: Its texts: a PNG's chunks by keyword; EXIF's comment as `parameters`, and so on.
        size: Width and height as a PNG's header says them; None for other formats.
        notes: What was not read for want of budget.
    """

    by_key: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    size: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()


def read_texts(path: Path, budget: Budget | None = None) -> PictureTexts:
    """Return the texts of a picture by key.

    Raises:
        MissingFileError: There is no such file, or it is no regular file.
        BrokenFileError: It is no picture, it is damaged before its texts, or larger than any picture we read.
    """
    return texts_of(read_file(path, at_most=MAX_FILE), path, budget or Budget())


def texts_of(data: bytes, path: Path, budget: Budget) -> PictureTexts:
    """Return the texts in a picture's bytes; `path` is for the errors' words.

    Raises:
        BrokenFileError: It is no picture, or it is damaged before its texts.
    """
    size = None
    if data.startswith(PNG_MAGIC):
        texts, size = _png(data, path, budget)
    else:
        fields = exif_fields(data, budget)
        if fields is None:
            raise BrokenFileError(
                "this is not a readable picture", where=str(path), remedy="PNG, JPEG, WebP and AVIF are read."
            )
        texts = _exif_texts(fields)
        if comment := _plain_text(jpeg_comment(data, budget)) if data[:2] == b"\xff\xd8" else "":
            texts.setdefault("comment", comment)
    if not CARRIERS & texts.keys() and (hidden := hidden_text(data, budget)):
        texts[PARAMETERS] = hidden
    return PictureTexts(by_key=MappingProxyType(texts), size=size, notes=budget.notes())


def _png(data: bytes, path: Path, budget: Budget) -> tuple[dict[str, str], tuple[int, int] | None]:
    texts: dict[str, str] = {}
    size = None
    for kind, body in _png_chunks(data, path):
        if kind == b"IHDR":
            size = _checked_size(bytes(body), path)
        elif kind in TEXT_KINDS and budget.entry():
            key, _, rest = bytes(body[: MAX_KEY + 1]).partition(b"\0")
            name = key.decode("latin-1")
            if len(rest) < len(body[: MAX_KEY + 1]) and len(key) <= MAX_KEY and name not in texts:
                texts[name] = _PNG_TEXT[kind](body[len(key) + 1 :], budget)
        elif kind == b"eXIf":
            texts = {**_exif_texts(tiff_fields(body, budget)), **texts}
    return texts, size


def _png_chunks(data: bytes, path: Path) -> Iterator[tuple[bytes, memoryview]]:
    at, view = len(PNG_MAGIC), memoryview(data)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            raise BrokenFileError(
                "the PNG ends in the middle of a chunk", where=str(path), remedy="Copy the file again."
            )
        if kind == b"IEND":
            return
        yield kind, view[at + 8 : end]
        at = end + 4


def _checked_size(body: bytes, path: Path) -> tuple[int, int]:
    if len(body) != IHDR_BYTES:
        raise BrokenFileError("the PNG's header has the wrong length", where=str(path), remedy="Use another copy.")
    width, height = struct.unpack_from(">II", body)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise BrokenFileError(
            f"the PNG says it is {width}x{height}", where=str(path), remedy=f"Sides go from 1 to {MAX_SIDE}."
        )
    return width, height


def _plain_text(rest: bytes) -> str:
    """Decode a tEXt body: Latin-1 by the standard, UTF-8 by many a writer."""
    try:
        return rest.decode("utf-8")
    except UnicodeDecodeError:
        return rest.decode("latin-1")


def _bare(body: memoryview, budget: Budget) -> str:
    return _plain_text(_taken(body, budget))


def _packed(body: memoryview, budget: Budget) -> str:
    return _plain_text(_inflated(body[1:], budget))


def _international(body: memoryview, budget: Budget) -> str:
    """Decode an iTXt body: flag, method, language, translated keyword, text in UTF-8."""
    head = bytes(body[: 4 * MAX_KEY])
    language = head.find(b"\0", 2)
    keyword = head.find(b"\0", language + 1)
    if min(language, keyword) < 0:
        return ""
    rest = body[keyword + 1 :]
    return (_inflated(rest, budget) if head[:1] == b"\1" else _taken(rest, budget)).decode("utf-8", "replace")


def _taken(body: memoryview, budget: Budget) -> bytes:
    taken = body[: budget.room()].tobytes()
    budget.unpacked(len(taken))
    return taken


def _inflated(body: memoryview, budget: Budget) -> bytes:
    """Unpack at most what the budget has room for; what is damaged gives nothing."""
    room = budget.room()
    if not room:
        return b""
    try:
        text = zlib.decompressobj().decompress(body, room)
    except zlib.error:
        text = b""
    budget.unpacked(max(len(text), min(room, len(body))))
    return text


_PNG_TEXT = {b"tEXt": _bare, b"zTXt": _packed, b"iTXt": _international}


def _exif_texts(fields: Mapping[int, bytes]) -> dict[str, str]:
    texts = {}
    if USER_COMMENT in fields:
        texts[PARAMETERS] = decode_comment(fields[USER_COMMENT])
    note = fields.get(MAKER_NOTE, b"")
    if note.startswith(OUR_NOTE):
        texts[OUR_CHUNK] = note.removeprefix(OUR_NOTE).decode("utf-8", "replace")
    elif note:
        texts[MAKER_KEY] = _plain_text(note).rstrip("\0")
    for tag, key in ((DESCRIPTION, DESCRIPTION_KEY), (SOFTWARE, SOFTWARE_KEY), (MAKE, ""), (MODEL, "")):
        for name, text in _named_text(key, _plain_text(fields.get(tag, b"")).rstrip("\0")):
            texts.setdefault(name, text)
    return texts


def _named_text(key: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield a text by its key; `prompt:{...}` and `workflow:{...}`, ComfyUI's, by the one before the colon."""
    name, colon, rest = text.partition(":")
    if colon and name.strip().lower() in GRAPH_KEYS:
        yield name.strip().lower(), rest
    elif text.startswith("{") and "sui_image_params" in text:
        yield PARAMETERS, text  # an older SwarmUI wrote it as the camera's model
    elif key and text:
        yield key, text


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
