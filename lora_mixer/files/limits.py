"""Limits on headers, stricter than the format, looser than any honest file."""

from __future__ import annotations

from dataclasses import dataclass

MEBI = 1024 * 1024

# Bytes an element takes. Source: the dtypes of safetensors 0.8 (`Dtype::bitsize`) that torch can compute with.
# Not here, though the format knows them: C64, the FNUZ floats, and the packed F4 and F6 kinds.
DTYPE_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "U16": 2,
    "I16": 2,
    "U32": 4,
    "I32": 4,
    "U64": 8,
    "I64": 8,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "F16": 2,
    "BF16": 2,
    "F32": 4,
    "F64": 8,
}
FLOAT_DTYPES = frozenset({"F8_E4M3", "F8_E5M2", "F16", "BF16", "F32", "F64"})
INTEGER_ENDINGS = (".bias_indices", ".bias_size")
"""Keys of LyCORIS's sparse addends, the only tensors of an adapter that are rightly integers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on a header, checked before anything is allocated for a tensor.

    Attributes:
        header_bytes: Longest header, in bytes.
        keys: Most tensors.
        key_length: Longest key, in characters.
        ndim: Most axes of a tensor.
        integers: Whether whole tensors may be integers or booleans; single numbers always may, since trainers
            write alphas as I64 and flags as BOOL, and so may `INTEGER_ENDINGS`.
        empty_tensors: Whether a tensor may have no elements.
    """

    header_bytes: int = 16 * MEBI
    keys: int = 20_000
    key_length: int = 512
    ndim: int = 5
    integers: bool = False
    empty_tensors: bool = False


ADAPTER_LIMITS = Limits()
CHECKPOINT_LIMITS = Limits(header_bytes=64 * MEBI, keys=100_000, integers=True, empty_tensors=True)
