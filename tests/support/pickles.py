"""Files of torch.save as an attacker would write them: a pickle of one's own, and records that say what one likes."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

TENSOR = b"ctorch._utils\n_rebuild_tensor_v2\n"
HOOKS = b"ccollections\nOrderedDict\n)R"


def text(value: str) -> bytes:
    """Return the opcode that pushes a text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """Return the opcode that pushes a whole number of any size."""
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def numbers(values: Sequence[int]) -> bytes:
    """Return the opcodes that push a tuple."""
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor(
    shape: Sequence[int] = (2, 3),
    strides: Sequence[int] = (3, 1),
    *,
    offset: int = 0,
    storage: str = "FloatStorage",
    key: str = "0",
    location: str = "cpu",
    numel: int = 6,
) -> bytes:
    """Return the opcodes of a tensor, as told."""
    kept = b"(" + text("storage") + f"ctorch\n{storage}\n".encode() + text(key) + text(location) + number(numel) + b"tQ"
    return TENSOR + b"(" + kept + number(offset) + numbers(shape) + numbers(strides) + b"\x89" + HOOKS + b"tR"


def table(entries: Mapping[str, bytes]) -> bytes:
    """Return a whole pickle: a table of values that are given as opcodes."""
    return b"\x80\x02}(" + b"".join(text(key) + value for key, value in entries.items()) + b"u."


def archive(pickled: bytes, *, records: Sequence[bytes] = (bytes(24),), packed: bool = False) -> bytes:
    """Return the file that torch.save would write around a pickle."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        file.writestr("a/data.pkl", pickled)
        for key, record in enumerate(records):
            file.writestr(f"a/data/{key}", record)
    return target.getvalue()
