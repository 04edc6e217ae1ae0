"""Tensors of a file without a copy: views into its memory map."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType

import torch

from lora_mixer.errors import BrokenFileError
from lora_mixer.files import TensorFile, TensorInfo

DTYPES = MappingProxyType(
    {
        "F64": torch.float64,
        "F32": torch.float32,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F8_E4M3": torch.float8_e4m3fn,
        "F8_E5M2": torch.float8_e5m2,
        "I64": torch.int64,
        "I32": torch.int32,
        "I16": torch.int16,
        "I8": torch.int8,
        "U64": torch.uint64,
        "U32": torch.uint32,
        "U16": torch.uint16,
        "U8": torch.uint8,
        "BOOL": torch.bool,
    }
)
"""safetensors' name of a dtype -> torch's."""

Read = Callable[[TensorInfo], torch.Tensor]


def tensor_reader(file: TensorFile) -> Read:
    """Return a function that gives a tensor of the file as a view into one private map of it.

    The map lives as long as any view of it; the file is never written to.

    Raises:
        FileError: The file is gone or has changed. The returned function raises it for a dtype torch cannot hold.
    """
    buffer = file.buffer()
    start = file.data_start

    def read(info: TensorInfo) -> torch.Tensor:
        dtype = DTYPES.get(info.dtype)
        if dtype is None:
            raise BrokenFileError(f"{info.key} is of type {info.dtype}, which is not known here", where=str(file.path))
        count = math.prod(info.shape)
        if not count:
            return torch.empty(info.shape, dtype=dtype)
        return torch.frombuffer(buffer, dtype=dtype, count=count, offset=start + info.start).view(info.shape)

    return read
