"""Fuzz the reader of torch's files, as adapters and as embeddings: `python -m fuzz.pickles --seconds 60`.

Nothing but the typed errors may be raised, nothing may take long or much memory, and what is accepted must be read
by `torch.load(..., weights_only=True)` as the same tensors, unless torch refuses it. The input is the pickle alone,
put into an archive with four storages; after 0xFE it is what follows the first pickles of torch's format until 1.6;
after 0xFF it is the whole file.
"""

from __future__ import annotations

import io
import pickle
import resource
import struct
import tempfile
import time
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from fuzz.runner import main
from lora_mixer.conditioning import load_embedding
from lora_mixer.errors import BrokenAdapterError, FileError
from lora_mixer.mapping import open_adapter

SECONDS_AT_MOST = 1.0
BYTES_AT_MOST = 64 << 20
RECORDS = (24, 4, 24, 0)
"""Bytes of the storages 0 to 3."""

HEAD = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
"""What a file begins with that torch wrote before 1.6."""

KEYS = ("lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", "lora_unet_conv_in.alpha", "string_to_param", "*")
TOKENS = (
    *(f"c{module}\n{name}\n".encode() for module, names in {
        "torch": ("FloatStorage", "HalfStorage", "ByteStorage", "float32", "uint16", "Tensor", "Size", "ComplexFloatStorage"),
        "torch.storage": ("UntypedStorage",),
        "torch._utils": (
            "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "_rebuild_sparse_tensor",
            "_rebuild_meta_tensor_no_storage", "_rebuild_qtensor", "_rebuild_wrapper_subclass",
        ),
        "torch._tensor": ("_rebuild_from_type_v2",),
        "torch.nn.modules.container": ("ParameterDict",),
        "collections": ("OrderedDict", "Counter"),
        "os": ("system",),
    }.items() for name in names),
    *(b"X" + struct.pack("<I", len(text)) + text.encode() for text in (*KEYS, "storage", "0", "1", "cpu", "meta", "state_dict")),
    *(bytes([code]) for code in range(256)),
    b"J\xff\xff\xff\x7f", b"J\xff\xff\xff\xff", b"\x8a\x08" + b"\xff" * 7 + b"\x7f", b"r\xff\xff\xff\xff", b"q\x00", b"h\x00",
    b"\x8a\x00", b"\x8a\xff" + b"\x01" * 255, b"\x8d" + b"\xff" * 8, b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06",
)  # fmt: skip
SCRATCH = Path(tempfile.mkdtemp(prefix="fuzz-pickles-")) / "a.pt"


def framed(data: bytes) -> bytes:
    """Put a pickle into a file of either of torch's formats."""
    if data.startswith(b"\xff"):
        return data[1:]
    if data.startswith(b"\xfe"):
        return HEAD + data[1:]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a/data.pkl", data)
        archive.writestr("a/version", "3\n")
        archive.writestr("a/byteorder", "little")
        for number, size in enumerate(RECORDS):
            archive.writestr(f"a/data/{number}", bytes(size))
    return target.getvalue()


def target(data: bytes) -> bool:
    """Read a file as an adapter and as an embedding."""
    content = framed(data)
    SCRATCH.write_bytes(content)
    accepted = False
    start, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        parsed, read = open_adapter(SCRATCH)
        ours = {key: read(info) for key, info in parsed.file.tensors.items()}
    except (FileError, BrokenAdapterError):
        ours = None
    try:
        load_embedding(SCRATCH)
        accepted = True
    except FileError:
        pass
    seconds, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    if seconds > SECONDS_AT_MOST:
        raise AssertionError(f"took {seconds:.1f} s")
    if peak * 1024 > BYTES_AT_MOST:
        raise AssertionError(f"took {peak // 1024} MiB")
    if ours is not None:
        compare(ours)
    return accepted or ours is not None


def compare(ours: Mapping[str, Tensor]) -> None:
    """Raise if torch sees other tensors in the file."""
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals([nn.ParameterDict]):
            warnings.simplefilter("ignore")
            content = torch.load(SCRATCH, map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001 it refuses what is not proper in many ways of its own
        return
    inner = content.get("state_dict") if isinstance(content, dict) else None
    theirs = content | inner if isinstance(inner, dict) else content
    for key, tensor in ours.items():
        other = next(
            (value for name, value in theirs.items() if (name if isinstance(name, str) else repr(name)) == key), None
        )
        if (
            not isinstance(other, Tensor)
            or other.dtype != tensor.dtype
            or other.shape != tensor.shape
            or raw(other) != raw(tensor)
        ):
            raise AssertionError(f"two readers, two tensors at {key!r}: {tensor} and {other}")


def raw(tensor: Tensor) -> bytes:
    """Return a tensor's bytes, whose numbers may be none."""
    plain = torch.empty(tensor.numel(), dtype=tensor.dtype).copy_(tensor.detach().reshape(-1))
    return bytes(plain.view(torch.uint8).tolist())


def seeds() -> list[bytes]:
    """Return small valid files of every form, whole and as the pickle alone."""
    one = torch.arange(6.0).view(2, 3)
    contents = (
        {KEYS[0]: one, KEYS[1]: torch.tensor(2.0)},
        {"state_dict": {KEYS[0]: one.t()}},
        {"string_to_token": {"*": 265}, "string_to_param": {"*": one}, "name": "x"},
        {"string_to_param": nn.ParameterDict({"*": nn.Parameter(one)})},
        {"clip_l": one[:1], "clip_g": torch.ones(1, 4).to(torch.float8_e4m3fn)},
        {"a": one[1:, ::2], "b": torch.ones(1, dtype=torch.uint32), "c": torch.Size([1]), "d": torch.float16},
        [one, torch.ones(1), one],
    )
    result = []
    for content in contents:
        new, old = io.BytesIO(), io.BytesIO()
        torch.save(content, new)
        torch.save(content, old, _use_new_zipfile_serialization=False)
        result.append(b"\xff" + new.getvalue())
        result.append(b"\xfe" + after_head(old))
        with zipfile.ZipFile(new) as archive:
            result.append(archive.read("archive/data.pkl"))
    return result


def after_head(file: io.BytesIO) -> bytes:
    """Return what follows the magic number, the version and the machine's facts."""
    file.seek(0)
    for _ in range(3):
        pickle.load(file)  # noqa: S301 torch wrote it a moment ago
    return file.read()


if __name__ == "__main__":
    main("pickles", target, seeds(), TOKENS)
