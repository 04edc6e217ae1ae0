"""A tensor file with a checked header and tensors still on disk."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO

from lora_mixer.errors import BrokenFileError, ChangedFileError
from lora_mixer.files.door import open_file
from lora_mixer.files.leases import is_lent

MOST_READ = 512 * 2**20
"""Bytes of a file that is read into memory where it cannot be held: every LoRA that is used, no base model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """Where one tensor lies.

    Attributes:
        key: Its name in the file.
        dtype: Its type, spelled as safetensors does (`F16`, `BF16`, `F32`, ...).
        shape: Its shape; `()` for a single number.
        start: Its first byte, counted from the start of the data section.
        end: The byte after its last one, counted likewise.
        strides: How many elements lie between neighbours along each axis; None in C order.
    """

    key: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int
    strides: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorFile:
    """A safetensors file whose header holds together.

    Attributes:
        path: The file.
        size: Its size in bytes.
        data_start: Where its data section begins, in bytes from the start of the file.
        tensors: Its tensors by key, in the order in which they lie in the file.
        metadata: Its metadata exactly as written: untrusted text, to be escaped when shown.
    """

    path: Path
    size: int
    data_start: int
    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]

    def buffer(self, *, kept: bool = False) -> mmap.mmap:
        """Return a private copy-on-write map of the whole file.

        The map can be written to without changing the file and outlives the open file, so
        `torch.frombuffer(file.buffer(), offset=file.data_start + info.start, ...)` is safe and keeps it alive.

        Args:
            kept: It is read long after this. Where nobody can be kept from cutting the file short meanwhile (`leases`), it is
                read into memory if it has at most `MOST_READ` bytes: what is gone from under a map ends the process.

        Raises:
            MissingFileError: The file is gone or can no longer be read.
            ChangedFileError: The file changed size since its header was checked.
            BrokenFileError: It cannot be mapped.
        """
        with open_file(self.path) as handle:
            size = handle.seek(0, 2)
            if size != self.size:
                raise self._changed(size)
            try:
                if kept and size <= MOST_READ and not is_lent(handle):
                    return self._in_memory(handle)
                return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY)
            except (OSError, ValueError, OverflowError) as error:
                raise BrokenFileError(
                    f"the file cannot be mapped into memory ({error})",
                    where=str(self.path),
                    remedy="Is it larger than memory, or on a drive that cannot map files?",
                ) from error

    def _in_memory(self, handle: BinaryIO) -> mmap.mmap:
        memory = mmap.mmap(-1, self.size)
        handle.seek(0)
        copyfileobj(handle, memory)
        if memory.tell() != self.size:
            raise self._changed(memory.tell())
        return memory

    def _changed(self, size: int) -> ChangedFileError:
        return ChangedFileError(
            f"the file changed while it was read, from {self.size:,} to {size:,} bytes",
            where=str(self.path),
            remedy="Wait until it is written, then try again.",
        )
