"""Write tensors into a file, whole or not at all, and never over an existing one unless told to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from lora_mixer.errors import FileError, RequestError
from lora_mixer.files.modes import share_by_umask
from lora_mixer.files.reasons import reason_of

DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}


def dtype_of(name: str) -> torch.dtype:
    """Return the dtype of a name.

    Raises:
        RequestError: Files are not written in it.
    """
    if name not in DTYPES:
        raise RequestError(
            f"{name!r} is not a dtype that files are written in", remedy=f"Use one of {', '.join(DTYPES)}."
        )
    return DTYPES[name]


def require_free(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over something.

    Raises:
        FileError: Something lies there, or the folder it would lie in does not.
    """
    if path.exists() and not overwrite:
        raise FileError("something is there already", where=str(path), remedy="Name another file, or add --overwrite.")
    if not path.absolute().parent.is_dir():
        raise FileError("there is no such folder", where=str(path.parent), remedy="Make it first.")


def nothing_changes() -> None:
    """Stand in for a check where there is nothing to check."""


def write_tensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    *,
    check: Callable[[], None] = nothing_changes,
) -> None:
    """Write a safetensors file under a temporary name, then give it its name.

    Args:
        path: The file.
        tensors: What is in it.
        metadata: What its header says.
        check: Called before the file gets its name; raises if a source file has changed.

    Raises:
        FileError: The disk is full or the folder is not writable.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        save_file({key: value.contiguous() for key, value in tensors.items()}, temporary, metadata=dict(metadata))
        with temporary.open("r+b") as written:
            _sort_metadata(written)
            os.fsync(written.fileno())
        share_by_umask(temporary)
        check()
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise FileError(
            f"cannot be written: {reason_of(error)}", where=str(path), remedy="Check the folder and the disk."
        ) from error
    finally:
        with suppress(OSError):  # a read-only disk refuses even to remove what is not there
            temporary.unlink(missing_ok=True)


def _sort_metadata(written: BinaryIO) -> None:
    """Sort a file's metadata, which safetensors writes in the random order of a hash table.

    So the same tensors and metadata give the same bytes. The header keeps its length, padded with spaces.
    """
    length = int.from_bytes(written.read(8), "little")
    header = json.loads(written.read(length))
    header["__metadata__"] = dict(sorted(header.get("__metadata__", {}).items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    if len(text) <= length:
        written.seek(8)
        written.write(text.ljust(length))
