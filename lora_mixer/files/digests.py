"""The digests by which the field names a file, in one pass, remembered while the program runs.

AutoV2 and AutoV3 are Civitai's names: the first 10 digits of the whole file's sha256, and the first 12 of the
sha256 of what follows the safetensors header (kohya's `sshs_model_hash`), which stays when metadata are edited.
The old 8-digit hash is the web UIs' first: sha256 of the 64 KiB at offset 1 MiB.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from lora_mixer.errors import MissingFileError
from lora_mixer.files.door import open_file

EMPTY_SHA256 = hashlib.sha256().hexdigest()

SAMPLES = 64
_SAMPLE_BYTES = 4096
_CHUNK = 1024 * 1024
_LEGACY_OFFSET = 0x100000
_LEGACY_BYTES = 0x10000
_LENGTH_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """A file's digests in lower-case hex digits.

    Attributes:
        sha256: Of the whole file, 64 digits.
        autov2: The first 10 of them.
        autov3: The first 12 of the sha256 after the header; None if nothing follows a safetensors header.
        legacy: The old 8 digits; None for a file of up to 1 MiB, where every file would have the same.
    """

    sha256: str
    autov2: str
    autov3: str | None
    legacy: str | None

    def matches(self, digest: str) -> bool:
        """Say whether a digest somebody wrote down (8, 10, 12 or 64 hex digits) is one of these."""
        digest = digest.lower()
        if EMPTY_SHA256.startswith(digest):
            return False
        known = {self.sha256, self.autov2, self.autov3, self.legacy, self.sha256[:12]}
        return digest in known or (len(digest) == len(self.sha256) and digest[:12] == self.autov3)


def digest_file(path: str | Path) -> Digests:
    """Return the digests of a file, read once as long as its path, size, times and inode stay the same.

    Raises:
        MissingFileError: It is not there or cannot be read.
    """
    path = Path(path)
    try:
        status = path.stat()
        return _digest(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
    except (OSError, ValueError) as error:
        raise MissingFileError(f"the file cannot be read ({error})", where=str(path)) from error


def sample_of(path: str | Path) -> str:
    """Return the sha256 of `SAMPLES` blocks of 4 KiB, evenly spread from a file's first byte to its last.

    Cheap, and another for files that differ in a whole layer or in their header; one that differs elsewhere in a few bytes
    may have the same.

    Raises:
        MissingFileError: It is not there or cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open_file(path) as handle:
            last = max(handle.seek(0, 2) - _SAMPLE_BYTES, 0)
            for number in range(SAMPLES):
                handle.seek(last * number // (SAMPLES - 1))
                digest.update(handle.read(_SAMPLE_BYTES))
    except (OSError, ValueError) as error:
        raise MissingFileError(f"the file cannot be read ({error})", where=str(path)) from error
    return digest.hexdigest()


@lru_cache(maxsize=16_384)
def _digest(path: Path, size: int, _mtime_ns: int, _ctime_ns: int, _inode: int) -> Digests:
    with open_file(path) as handle:
        legacy = _legacy(handle)
        handle.seek(0)
        start = handle.read(_LENGTH_BYTES + 1)
        whole = hashlib.sha256(start[:_LENGTH_BYTES])
        data = hashlib.sha256()
        header = int.from_bytes(start[:_LENGTH_BYTES], "little")
        handle.seek(_LENGTH_BYTES)
        has_header = start[_LENGTH_BYTES:] == b"{" and header < size - _LENGTH_BYTES
        left = header if has_header else size
        while chunk := handle.read(min(_CHUNK, left) if left else _CHUNK):
            whole.update(chunk)
            if not left:
                data.update(chunk)
            left = max(0, left - len(chunk))
    sha256 = whole.hexdigest()
    autov3 = data.hexdigest()[:12] if has_header else None
    return Digests(sha256=sha256, autov2=sha256[:10], autov3=autov3, legacy=legacy)


def _legacy(handle: BinaryIO) -> str | None:
    handle.seek(_LEGACY_OFFSET)
    part = handle.read(_LEGACY_BYTES)
    return hashlib.sha256(part).hexdigest()[:8] if part else None
