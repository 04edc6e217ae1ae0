"""The safetensors header: read, bounded and checked before a byte of tensor is touched.

Format (huggingface/safetensors, README): eight bytes of little-endian length, that many bytes of JSON, then the
data section. Stricter than the format where it is loose: no duplicate keys (the format forbids them, its reader
takes the last), no strange fields, bounded counts and axes. Whatever passes here is read by `safetensors` as the
same tensors.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from lora_mixer.errors import BrokenFileError, FileError
from lora_mixer.files.door import open_file, unreadable
from lora_mixer.files.foreign import detect
from lora_mixer.files.header_json import HeaderError, parse_header
from lora_mixer.files.limits import ADAPTER_LIMITS, Limits
from lora_mixer.files.tensor_file import TensorFile

LENGTH_BYTES = 8
_SNIFFED_BYTES = 64


def open_tensor_file(path: str | Path, *, limits: Limits = ADAPTER_LIMITS, at_most: int | None = None) -> TensorFile:
    """Read and check the header of a safetensors file.

    Args:
        path: The file.
        limits: What its header may hold: `ADAPTER_LIMITS` or `CHECKPOINT_LIMITS`.
        at_most: The largest size of the file in bytes; None for any.

    Raises:
        MissingFileError: It is not there, is a folder, or may not be read.
        UnsafeFileError: It is a pickle, whatever its name.
        BrokenFileError: It is empty, truncated, of another format, or its header lies.
    """
    path = Path(path)
    with open_file(path, at_most=at_most, remedy="Name a .safetensors file.") as handle:
        try:
            return _read(path, handle, limits)
        except OSError as error:
            raise unreadable(path, error) from error


def _read(path: Path, handle: BinaryIO, limits: Limits) -> TensorFile:
    size = os.fstat(handle.fileno()).st_size
    if size == 0:
        raise BrokenFileError("the file is empty", where=str(path), remedy="Download it again.")
    start = handle.read(_SNIFFED_BYTES)
    length = int.from_bytes(start[:LENGTH_BYTES], "little")
    try:
        _check_length(start, length, size, limits)
        handle.seek(LENGTH_BYTES)
        data_start = LENGTH_BYTES + length
        tensors, metadata = parse_header(handle.read(length), size - data_start, limits)
    except HeaderError as error:
        raise _not_usable(path, start, error) from error
    return TensorFile(
        path=path,
        size=size,
        data_start=data_start,
        tensors=MappingProxyType({info.key: info for info in tensors}),
        metadata=MappingProxyType(metadata),
    )


def _check_length(start: bytes, length: int, size: int, limits: Limits) -> None:
    if size <= LENGTH_BYTES:
        raise HeaderError(f"the file has {size} bytes, too few for a header")
    if start[LENGTH_BYTES : LENGTH_BYTES + 1] != b"{":
        raise HeaderError("the header does not begin with '{', so this is not a safetensors file")
    if length > size - LENGTH_BYTES:
        raise HeaderError(
            f"the header is said to take {length:,} bytes, but the file has only {size:,}",
            remedy="The download was probably cut short: download it again.",
        )
    if length > limits.header_bytes:
        raise HeaderError(f"the header takes {length:,} bytes, more than the {limits.header_bytes:,} allowed")


def _not_usable(path: Path, start: bytes, error: HeaderError) -> FileError:
    # Other formats are looked for only now: a good header of 640 bytes begins with the bytes of a pickle.
    foreign = None if start[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{" else detect(start)
    if foreign is not None:
        return foreign.error(foreign.what, where=str(path), remedy=foreign.remedy)
    where = str(path) if error.key is None else f"{path}, key {error.key!r}"
    return BrokenFileError(str(error), where=where, remedy=error.remedy)
