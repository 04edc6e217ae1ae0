"""The zip archive that torch.save writes: where each record lies, read from its directory alone.

Format: PKWARE's APPNOTE, sections 4.3.7 to 4.3.16 and 4.5.3. torch stores its records uncompressed, so that each can
be used where it lies; a compressed or encrypted one is refused, and nothing is unpacked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from lora_mixer.files.pickles.words import PickleError

_TAIL = 65_557  # bytes: the end of the directory with the longest comment
_END, _END64, _ENTRY, _LOCAL = b"PK\x05\x06", b"PK\x06\x06", b"PK\x01\x02", b"PK\x03\x04"
_LONGEST_NAME = 1000
_FULL = 0xFFFFFFFF
_DAMAGED = "the zip archive's directory is damaged"


@dataclass(frozen=True, slots=True)
class Archive:
    """Records by name, each with the place of its own header and its size in bytes."""

    handle: BinaryIO
    size: int
    records: dict[str, tuple[int, int]]

    def place(self, name: str) -> tuple[int, int]:
        """Return a record's first byte in the file, and its size.

        Raises:
            PickleError: There is none, or it reaches beyond the file.
        """
        if name not in self.records:
            raise PickleError(f"the record {name[:80]!r} is missing in it")
        header, size = self.records[name]
        self.handle.seek(header)
        start = self.handle.read(30)
        if len(start) < 30 or not start.startswith(_LOCAL):
            raise PickleError(_DAMAGED)
        named, extra = struct.unpack_from("<HH", start, 26)
        begin = header + 30 + named + extra
        if begin + size > self.size:
            raise PickleError("the zip archive is cut short")
        return begin, size

    def read(self, name: str, at_most: int) -> bytes:
        """Return a record's bytes.

        Raises:
            PickleError: It is missing, damaged or larger than that.
        """
        begin, size = self.place(name)
        if size > at_most:
            raise PickleError(f"the record {name[:80]!r} takes {size:,} bytes, more than the {at_most:,} allowed")
        self.handle.seek(begin)
        return self.handle.read(size)


def open_archive(handle: BinaryIO, size: int, most: int) -> Archive:
    """Read the directory of a zip archive.

    Args:
        handle: The file.
        size: Its size in bytes.
        most: How many records there may be.

    Raises:
        PickleError: There is no directory, it is damaged, or a record is not plainly stored.
    """
    count, begin, length = _directory(handle, size)
    if count > most:
        raise PickleError(f"the zip archive lists {count:,} records, more than the {most:,} allowed")
    if begin + length > size or length > count * (46 + 3 * 0xFFFF):
        raise PickleError(_DAMAGED)
    records: dict[str, tuple[int, int]] = {}
    for name, place in _entries(handle, begin, count):
        if name in records:
            raise PickleError(f"the record {name[:80]!r} stands twice in it")
        records[name] = place
    return Archive(handle, size, records)


def _directory(handle: BinaryIO, size: int) -> tuple[int, int, int]:
    """Return how many entries the directory has, its first byte and its size."""
    handle.seek(max(0, size - _TAIL))
    tail = handle.read(_TAIL)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise PickleError("the zip archive has no directory: it is damaged or cut short")
    count, length, begin = struct.unpack_from("<H2L", tail, at + 10)
    if _FULL not in {length, begin} and count != 0xFFFF:
        return count, begin, length
    if at < 20 or tail[at - 20 : at - 16] != b"PK\x06\x07":
        raise PickleError(_DAMAGED)
    (place,) = struct.unpack_from("<Q", tail, at - 12)
    handle.seek(min(place, size))
    end = handle.read(56)
    if len(end) < 56 or not end.startswith(_END64):
        raise PickleError(_DAMAGED)
    count, length, begin = struct.unpack_from("<QQQ", end, 32)
    return count, begin, length


def _entries(handle: BinaryIO, begin: int, count: int) -> Iterator[tuple[str, tuple[int, int]]]:
    handle.seek(begin)
    for _ in range(count):
        entry = handle.read(46)
        if len(entry) < 46 or not entry.startswith(_ENTRY):
            raise PickleError(_DAMAGED)
        flags, method = struct.unpack_from("<HH", entry, 8)
        packed, plain, named, extra, comment = struct.unpack_from("<LLHHH", entry, 20)
        (header,) = struct.unpack_from("<L", entry, 42)
        if named > _LONGEST_NAME:
            raise PickleError("a record in the zip archive has a name that is too long")
        name = handle.read(named).decode("utf-8", "replace")
        packed, plain, header = _wide(handle.read(extra), packed, plain, header)
        handle.read(comment)
        if method or flags & 1 or packed != plain:
            raise PickleError("a record in it is compressed or encrypted, which torch.save never does")
        yield name, (header, plain)


def _wide(extra: bytes, packed: int, plain: int, header: int) -> tuple[int, int, int]:
    """Return sizes and place with those taken from the 64-bit field that do not fit into 32."""
    fields: list[int] = []
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            inner = extra[at + 4 : at + 4 + length]
            fields = [value for (value,) in struct.iter_unpack("<Q", inner[: len(inner) // 8 * 8])]
            break
        at += 4 + length
    wide = iter(fields)
    plain, packed, header = (next(wide, -1) if value == _FULL else value for value in (plain, packed, header))
    if min(plain, packed, header) < 0:
        raise PickleError(_DAMAGED)
    return packed, plain, header
