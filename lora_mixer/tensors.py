"""Zero-copy tensors: views into a file's memory map."""

from __future__ import annotations

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
    """Return a function that gives a tensor of the file as a view into one private map of it, or into a copy in memory.

    The map lives as long as any view of it; the file is never written to. Tensors of one dtype share a storage where
    they lie in step with each other: a stride is set in a third of the time a storage takes.

    Raises:
        FileError: The file is gone or has changed. The returned function raises it for a dtype torch cannot hold.
    """
    buffer = file.buffer(kept=True)
    wholes: dict[tuple[torch.dtype, int], torch.Tensor] = {}

    def whole(dtype: torch.dtype, ahead: int) -> torch.Tensor:
        count = (len(buffer) - ahead) // dtype.itemsize
        return torch.frombuffer(buffer, dtype=dtype, count=count, offset=ahead)

    def read(info: TensorInfo) -> torch.Tensor:
        dtype = DTYPES.get(info.dtype)
        if dtype is None:
            raise BrokenFileError(f"{info.key} is of type {info.dtype}, which is not known here", where=str(file.path))
        shape = info.shape
        if 0 in shape:
            return torch.empty(shape, dtype=dtype)
        place, ahead = divmod(file.data_start + info.start, dtype.itemsize)
        base = wholes.get((dtype, ahead))
        if base is None:
            base = wholes[dtype, ahead] = whole(dtype, ahead)
        return base.as_strided(shape, info.strides or _strides(shape), place)

    return read


def _strides(shape: tuple[int, ...]) -> list[int]:
    """Return how many numbers lie between neighbours along each axis of a tensor in C order."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        strides[axis - 1] = strides[axis] * shape[axis]
    return strides
