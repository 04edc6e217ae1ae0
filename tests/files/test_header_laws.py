"""Whatever this reader accepts, safetensors' own reader accepts too and sees the same tensors."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize

from lora_mixer.errors import FileError
from lora_mixer.files import ADAPTER_LIMITS, CHECKPOINT_LIMITS, Limits, TensorFile, open_tensor_file
from lora_mixer.files.limits import DTYPE_BYTES

KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
SHAPES = st.lists(st.integers(0, 4), max_size=4)
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@st.composite
def headers(draw: st.DrawFn) -> tuple[dict[str, Any], bytes]:
    """A valid header over all dtypes, and its data."""
    header: dict[str, Any] = {}
    if draw(st.booleans()):
        header["__metadata__"] = draw(st.dictionaries(TEXT, TEXT, max_size=3))
    end = 0
    keys = draw(st.lists(KEYS.filter(lambda key: key != "__metadata__"), unique=True, max_size=5))
    for key in keys:
        dtype, shape = draw(st.sampled_from(sorted(DTYPE_BYTES))), draw(SHAPES)
        start = end
        end += DTYPE_BYTES[dtype] * _count(shape)
        header[key] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    return header, bytes(draw(st.binary(min_size=end, max_size=end)))


def _count(shape: list[int]) -> int:
    count = 1
    for side in shape:
        count *= side
    return count


JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 70), st.integers(), st.floats(), TEXT,
    st.lists(st.integers(-1, 9), max_size=3), st.just({}), st.just(2**63), st.just(2**64), st.sampled_from(["F16", "F4", "I64", "C64"]),
)  # fmt: skip


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """A valid file with one thing changed: a value, a byte, the length, the end."""
    header, data = draw(headers())
    kind = draw(st.sampled_from(["value", "byte", "length", "cut", "grow", "splice"]))
    if kind == "value" and header:
        key = draw(st.sampled_from(sorted(header)))
        if header[key]:
            field = draw(st.sampled_from([*sorted(header[key]), "more"]))
            header[key][field] = draw(JUNK)
        else:
            header[key] = draw(JUNK)
    text = json.dumps(header, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if kind == "splice":
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from([b" ", b"\0", b",", b"-", b"0", b"\\ud800", b"\xff", b"\xef\xbb\xbf", b'"a":1,']))
            + text[at:]
        )
    file = bytearray(struct.pack("<Q", len(text)) + text + data)
    if kind == "byte":
        file[draw(st.integers(0, len(file) - 1))] = draw(st.integers(0, 255))
    elif kind == "length":
        file[:8] = struct.pack("<Q", max(0, min(2**64 - 1, len(text) + draw(st.sampled_from([-9, -1, 1, 9, 2**63])))))
    elif kind == "cut":
        del file[draw(st.integers(0, len(file))) :]
    elif kind == "grow":
        file += draw(st.binary(min_size=1, max_size=4))
    return bytes(file)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("headers") / "a.safetensors"


def opened(path: Path, content: bytes, limits: Limits) -> TensorFile | None:
    path.write_bytes(content)
    try:
        return open_tensor_file(path, limits=limits)
    except FileError:
        return None


def seen_by_safetensors(content: bytes) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    return {key: (info["dtype"], tuple(info["shape"]), bytes(info["data"])) for key, info in deserialize(content)}


def assert_same(file: TensorFile, content: bytes) -> None:
    ours = {
        key: (info.dtype, info.shape, content[file.data_start + info.start : file.data_start + info.end])
        for key, info in file.tensors.items()
    }
    assert ours == seen_by_safetensors(content)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=mutated_files())
def test_what_is_accepted_is_read_the_same_by_safetensors(scratch: Path, content: bytes):
    for limits in (ADAPTER_LIMITS, CHECKPOINT_LIMITS):
        file = opened(scratch, content, limits)
        if file is not None:
            assert_same(file, content)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(built=headers())
def test_a_valid_file_with_printable_keys_is_accepted_as_a_checkpoint(scratch: Path, built):
    header, data = built
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + data
    assert seen_by_safetensors(content) is not None
    file = opened(scratch, content, CHECKPOINT_LIMITS)
    printable = all(key.isprintable() and ".." not in key for key in header)
    assert (file is not None) == printable
    if file is not None:
        assert_same(file, content)
        assert file.metadata == header.get("__metadata__", {})


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_no_bytes_crash_the_reader(scratch: Path, content: bytes):
    file = opened(scratch, content, CHECKPOINT_LIMITS)
    if file is not None:
        assert_same(file, content)


def test_the_oracle_can_tell_a_difference():
    with pytest.raises(SafetensorError):
        seen_by_safetensors(b"\0" * 8)
