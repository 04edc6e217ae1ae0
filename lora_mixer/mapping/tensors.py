"""Check an adapter file's tensors in long runs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

from lora_mixer.adapters import has_sane_values
from lora_mixer.files import TensorFile, TensorInfo
from lora_mixer.tensors import DTYPES, Read


def sane_throughout(file: TensorFile, read: Read) -> bool:
    """Whether all values of a file are known to be sane: read in as few pieces as it has stretches of one dtype.

    False says nothing: it may hold a dtype that is not looked at this way, or have no place for each tensor (a pickle).
    """
    return file.data_start > 0 and all(
        _is_searched_in_place(stretch) and has_sane_values(read(stretch)) for stretch in _stretches(file)
    )


def _is_searched_in_place(info: TensorInfo) -> bool:
    """Whether torch finds the extremes of this dtype without a copy: floating point, but not in one byte."""
    dtype = DTYPES.get(info.dtype)
    return dtype is not None and dtype.is_floating_point and dtype.itemsize > 1


def _stretches(file: TensorFile) -> Iterator[TensorInfo]:
    """Yield neighbours of one dtype as one flat tensor; a header that was checked leaves no gap between them."""
    for dtype, neighbours in groupby(file.tensors.values(), attrgetter("dtype")):
        first, *others = neighbours
        end = others[-1].end if others else first.end
        count = (end - first.start) // DTYPES[dtype].itemsize
        yield TensorInfo(key=first.key, dtype=dtype, shape=(count,), start=first.start, end=end)
