"""Adapters in torch's own format (`.pt`, `.ckpt`, `.bin`): read by torch's restricted unpickler or not at all."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import torch

from lora_mixer.errors import BrokenFileError, MissingFileError, UnsafeFileError
from lora_mixer.files import TensorFile, TensorInfo
from lora_mixer.mapping.tensors import DTYPES, Read

LARGEST = 4 << 30
"""Bytes. torch reads such a file whole, so a larger one is not even tried."""

_SPELLED = {dtype: name for name, dtype in DTYPES.items()}


def open_pickled(path: Path) -> tuple[TensorFile, Read]:
    """Return an adapter file in torch's format as a table of tensors, and the function that reads them.

    Raises:
        MissingFileError: It is not there.
        UnsafeFileError: It holds anything but tensors and plain values, so reading it could run code.
        BrokenFileError: It is not such a file, too large, or holds no tensors.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise MissingFileError("there is no such file", where=str(path)) from error
    if size > LARGEST:
        raise BrokenFileError(f"{size:,} bytes are too many for an adapter", where=str(path))
    tensors = dict(_tensors("", _load(path)))
    if not tensors:
        raise BrokenFileError("there are no tensors in it", where=str(path))
    infos = {
        key: TensorInfo(
            key=key, dtype=_SPELLED.get(tensor.dtype, str(tensor.dtype)), shape=tuple(tensor.shape), start=0, end=0
        )
        for key, tensor in tensors.items()
    }
    file = TensorFile(
        path=path, size=size, data_start=0, tensors=MappingProxyType(infos), metadata=MappingProxyType({})
    )
    return file, lambda info: tensors[info.key]


def _load(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it remarks on old pickles, which are read or refused all the same
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UnsafeFileError(
            "reading this file could run code that is in it",
            where=str(path),
            remedy="Take the .safetensors version of it.",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BrokenFileError("this is no file that torch.save wrote", where=str(path)) from error


def _tensors(head: str, value: object) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield tensors by key, those of a `state_dict` inside as if they stood outside."""
    if isinstance(value, torch.Tensor) and head:
        yield head, value.detach()
    elif isinstance(value, Mapping) and head in {"", "state_dict"}:
        for key, inner in value.items():
            yield from _tensors(str(key), inner)
