"""The JSON of a safetensors header, turned into tensor infos that are proven to tile the data section."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import NoReturn

from lora_mixer.files.limits import DTYPE_BYTES, FLOAT_DTYPES, INTEGER_ENDINGS, Limits
from lora_mixer.files.tensor_file import TensorInfo

_METADATA = "__metadata__"
_FIELDS = {"dtype", "shape", "data_offsets"}
_LARGEST = 2**63 - 1  # of a size or an offset; torch counts in int64
_SIGNED = (b"[-", b",-", b":-", b" -", b"\t-", b"\n-", b"\r-")
"""What may begin a number below nothing; in a name or in the metadata it means nothing."""

_AGAIN = "The file is damaged or was made to deceive: download it again from where it came from."


class HeaderError(Exception):
    """A header that cannot be used; the reader adds the file and turns it into a `FileError`."""

    def __init__(self, what: str, *, key: str | None = None, remedy: str = _AGAIN) -> None:
        self.key = key
        self.remedy = remedy
        super().__init__(what)


def parse_header(header: bytes, data_size: int, limits: Limits) -> tuple[tuple[TensorInfo, ...], dict[str, str]]:
    """Return the tensors, in the order in which they lie in the data section, and the metadata.

    Args:
        header: The JSON bytes, known to begin with `{`.
        data_size: Bytes after the header.
        limits: What the header may hold.

    Raises:
        HeaderError: The header breaks a rule.
    """
    table = _load(header)
    metadata = _metadata(table.pop(_METADATA, {}))
    if len(table) > limits.keys:
        raise HeaderError(f"the header lists {len(table):,} tensors, more than the {limits.keys:,} allowed")
    infos = [_info(key, entry, limits) for key, entry in table.items()]
    infos.sort(key=lambda info: (info.start, info.end))
    _check_tiling(infos, data_size)
    return tuple(infos), metadata


def _load(header: bytes) -> dict[str, object]:
    """Parse the JSON; numbers are looked at one by one only where one may have a sign, as that takes twice the time."""
    signed = any(sign in header for sign in _SIGNED)
    try:
        table: dict[str, object] = json.loads(
            header.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_int=_unsigned if signed else None,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except UnicodeDecodeError as error:
        raise HeaderError("the header is not UTF-8 text") from error
    except RecursionError as error:
        raise HeaderError("the header is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise HeaderError(f"the header is not JSON ({error.msg} at byte {error.pos})") from error
    except ValueError as error:  # what `int` says of thousands of digits
        raise HeaderError("a number of thousands of digits is impossible in a header") from error
    return table


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        key = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise HeaderError("the key stands twice, so two readers could see two different files", key=key)
    return table


def _unsigned(digits: str) -> int:
    if digits.startswith("-"):
        raise HeaderError(f"the number {digits[:24]} is impossible in a header")
    return int(digits)


def _no_number(text: str) -> NoReturn:
    raise HeaderError(f"the number {text[:24]} is not whole")


def _metadata(table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise HeaderError("the metadata are not a table", key=_METADATA)
    for key, value in table.items():
        if not isinstance(value, str):
            raise HeaderError(f"the metadata entry {key[:80]!r} is not text", key=_METADATA)
        if not (_is_unicode(key) and _is_unicode(value)):
            raise HeaderError("the metadata hold half a Unicode character", key=_METADATA)
    return dict(table)


def _is_unicode(text: str) -> bool:
    """Say whether the text has no lone surrogates, which JSON escapes can spell and UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _info(key: str, entry: object, limits: Limits) -> TensorInfo:
    _check_key(key, limits)
    if not isinstance(entry, dict) or entry.keys() != _FIELDS:
        raise HeaderError("the entry is not exactly dtype, shape and data_offsets", key=key)
    dtype = entry["dtype"]
    if not isinstance(dtype, str) or dtype not in DTYPE_BYTES:
        raise HeaderError(f"the dtype {str(dtype)[:24]!r} is not supported", key=key, remedy=_other_dtype())
    shape = _naturals(key, "shape", entry["shape"])
    offsets = _naturals(key, "data_offsets", entry["data_offsets"])
    if len(offsets) != 2:
        raise HeaderError("data_offsets are not two numbers", key=key)
    count = _elements(key, dtype, shape, limits)
    start, end = offsets
    if end - start != count * DTYPE_BYTES[dtype]:
        raise HeaderError(
            f"{dtype} of shape {list(shape)} takes {count * DTYPE_BYTES[dtype]:,} bytes, "
            f"but the offsets {start:,} to {end:,} leave {end - start:,}",
            key=key,
        )
    return TensorInfo(key=key, dtype=dtype, shape=shape, start=start, end=end)


def check_tensor(key: str, dtype: str, shape: tuple[int, ...], limits: Limits) -> int:
    """Return how many elements a tensor has.

    Raises:
        HeaderError: Its name, shape or dtype is beyond the limits.
    """
    _check_key(key, limits)
    return _elements(key, dtype, shape, limits)


def _elements(key: str, dtype: str, shape: tuple[int, ...], limits: Limits) -> int:
    count = _count(key, shape, limits)
    if count > 1 and not limits.integers and dtype not in FLOAT_DTYPES and not key.endswith(INTEGER_ENDINGS):
        raise HeaderError(f"a tensor of {dtype} cannot be a weight", key=key, remedy=_other_dtype())
    return count


def _check_key(key: str, limits: Limits) -> None:
    if not key or len(key) > limits.key_length:
        raise HeaderError(f"a key has {len(key):,} characters; 1 to {limits.key_length} are allowed", key=key[:80])
    if not key.isprintable() or ".." in key:
        raise HeaderError("the key has invisible characters or '..'", key=key)


def _naturals(key: str, field: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not {*map(type, value)} <= {int}:
        raise HeaderError(f"{field} is not a list of whole numbers", key=key)
    if value and max(value) > _LARGEST:
        raise HeaderError(f"the number {str(max(value))[:24]} is impossible in a header", key=key)
    return tuple(value)


def _count(key: str, shape: tuple[int, ...], limits: Limits) -> int:
    if len(shape) > limits.ndim:
        raise HeaderError(f"the tensor has {len(shape):,} axes, more than the {limits.ndim} allowed", key=key)
    if 0 in shape and not limits.empty_tensors:
        raise HeaderError(f"the tensor of shape {list(shape)} is empty", key=key)
    count = 1
    for side in shape:
        count *= side
        if count > _LARGEST:
            raise HeaderError(f"the shape {list(shape)} has too many elements to count", key=key)
    return count


def _other_dtype() -> str:
    return "Save the file in one of F16, BF16, F32, F64, F8_E4M3 and F8_E5M2."


def _check_tiling(infos: list[TensorInfo], data_size: int) -> None:
    """Prove that the tensors cover the data section exactly once. They come sorted by start and end."""
    if infos and infos[0].start != 0:
        raise HeaderError(f"{infos[0].start:,} bytes before the first tensor belong to no tensor", key=infos[0].key)
    for before, after in pairwise(infos):
        if after.start < before.end:
            raise HeaderError(f"the tensor overlaps {before.key!r}", key=after.key)
        if after.start > before.end:
            raise HeaderError(f"{after.start - before.end:,} bytes before it belong to no tensor", key=after.key)
    end = infos[-1].end if infos else 0
    if end > data_size:
        raise HeaderError(
            f"the tensors need {end:,} bytes, but only {data_size:,} follow the header",
            remedy="The download was probably cut short: download it again.",
        )
    if end < data_size:
        raise HeaderError(f"{data_size - end:,} bytes after the last tensor belong to no tensor")
