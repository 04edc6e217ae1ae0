"""Whatever this reader accepts, safetensors' own reader accepts too and sees the same tensors."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize

from lora_mixer.errors import FileError
from lora_mixer.files import ADAPTER_LIMITS, CHECKPOINT_LIMITS, Limits, TensorFile, open_tensor_file
from lora_mixer.files.limits import DTYPE_BYTES

Mutation = Callable[[st.DrawFn, Any], Any]

# Mostly keys that are accepted, so that a mutation elsewhere is what decides.
KEYS = st.sampled_from(["a", "b.alpha", "lora_unet_x.lora_up.weight", "ä ö"]) | st.text(
    st.characters(codec="utf-8"), min_size=1, max_size=4
)
SHAPES = st.lists(st.integers(1, 4), max_size=3) | st.lists(st.integers(0, 4), max_size=4)
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


def with_junk(draw: st.DrawFn, header: dict[str, Any]) -> dict[str, Any]:
    """Put junk in place of a field."""
    key = draw(st.sampled_from(sorted(header)))
    field = draw(st.sampled_from([*sorted(header[key]), "more"]))
    return {**header, key: {**header[key], field: draw(JUNK)}}


def with_moved_tensor(draw: st.DrawFn, header: dict[str, Any]) -> dict[str, Any]:
    """Move a tensor's start, end or both, so that it overlaps, leaves a hole or reaches past the end."""
    key = draw(st.sampled_from(sorted(header)))
    step = draw(st.sampled_from([-8, -4, -2, -1, 1, 2, 4, 8]))
    start, end = header[key].get("data_offsets", (0, 0))
    offsets = draw(st.sampled_from([[start + step, end + step], [start, end + step], [start + step, end]]))
    return {**header, key: {**header[key], "data_offsets": offsets}}


def with_shared_bytes(draw: st.DrawFn, header: dict[str, Any]) -> dict[str, Any]:
    """Pull all tensors from one on towards the start, so that two share bytes and nothing else is wrong."""
    keys = list(header)
    first, step = draw(st.integers(0, len(keys) - 1)), draw(st.integers(1, 4))
    for key in keys[first:]:
        start, end = header[key]["data_offsets"]
        header = {**header, key: {**header[key], "data_offsets": [start - step, end - step]}}
    return header


def with_other_dtype(draw: st.DrawFn, header: dict[str, Any]) -> dict[str, Any]:
    """Call a tensor by another dtype, so that its bytes no longer fit."""
    key = draw(st.sampled_from(sorted(header)))
    return {**header, key: {**header[key], "dtype": draw(st.sampled_from([*sorted(DTYPE_BYTES), "F4", "C64"]))}}


def with_dropped_tensor(draw: st.DrawFn, header: dict[str, Any]) -> dict[str, Any]:
    """Leave a tensor out, so that its bytes are a hole."""
    key = draw(st.sampled_from(sorted(header)))
    return {name: entry for name, entry in header.items() if name != key}


def with_odd_metadata(draw: st.DrawFn, header: dict[str, Any]) -> dict[str, Any]:
    """Give metadata that are no text, or only half a character of one."""
    odd = draw(st.sampled_from(["\ud800", "\udfff", 1, None, ["x"], {}, "fine"]))
    return {"__metadata__": draw(st.sampled_from([{"a": odd}, {str(odd): "a"}, odd])), **header}


def respelled(draw: st.DrawFn, text: bytes) -> bytes:
    """Spell a number another way."""
    numbers = list(re.finditer(rb"(?<=[\[ ])\d+(?=[,\]])", text))
    if not numbers:
        return text
    number = draw(st.sampled_from(numbers))
    digits = number.group()
    ways = [b"-" + digits, digits + b".0", digits + b"e0", b"0" + digits, b"+" + digits, b"true", b'"' + digits + b'"']
    return text[: number.start()] + draw(st.sampled_from(ways)) + text[number.end() :]


def doubled(draw: st.DrawFn, text: bytes) -> bytes:
    """Write the whole table twice, so that every key stands twice."""
    if len(text) <= 2:
        return b"{}" + text
    return draw(
        st.sampled_from([b"{" + text[1:-1] + b"," + text[1:], text + text, text.replace(b'"shape"', b'"dtype"')])
    )


def spliced(draw: st.DrawFn, text: bytes) -> bytes:
    """Put a piece of text somewhere."""
    at = draw(st.integers(0, len(text)))
    pieces = [b" ", b"\0", b",", b"-", b"0", b"\\ud800", b"\xff", b"\xef\xbb\xbf", b'"a":1,', b"}", b"[", b"\n"]
    return text[:at] + draw(st.sampled_from(pieces)) + text[at:]


def with_other_byte(draw: st.DrawFn, file: bytes) -> bytes:
    """Change a byte."""
    at = draw(st.integers(0, len(file) - 1))
    return file[:at] + bytes([draw(st.integers(0, 255))]) + file[at + 1 :]


def with_other_length(draw: st.DrawFn, file: bytes) -> bytes:
    """Lie about the header's length."""
    length = int.from_bytes(file[:8], "little") + draw(st.sampled_from([-9, -1, 1, 9, 2**63]))
    return struct.pack("<Q", max(0, length)) + file[8:]


def with_other_end(draw: st.DrawFn, file: bytes) -> bytes:
    """Cut the file short, or add to it."""
    return draw(st.one_of(st.integers(1, 9).map(lambda cut: file[:-cut]), st.binary(max_size=4).map(file.__add__)))


TABLE_MUTATIONS = (
    with_junk,
    with_moved_tensor,
    with_shared_bytes,
    with_other_dtype,
    with_dropped_tensor,
    with_odd_metadata,
)
TEXT_MUTATIONS = (respelled, doubled, spliced)
FILE_MUTATIONS = (with_other_byte, with_other_length, with_other_end)
MUTATIONS = (*TABLE_MUTATIONS, *TEXT_MUTATIONS, *FILE_MUTATIONS)


@st.composite
def mutated_files(draw: st.DrawFn, mutate: Mutation) -> bytes:
    """A valid file with one thing changed."""
    header, data = draw(headers())
    if mutate in TABLE_MUTATIONS and header.keys() - {"__metadata__"}:
        metadata = {key: header.pop(key) for key in ("__metadata__",) if key in header}
        header = {**metadata, **mutate(draw, header)}
    if mutate is with_shared_bytes:
        data = data[: max([0, *(entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__")])]
    text = json.dumps(header).encode()
    if mutate in TEXT_MUTATIONS:
        text = mutate(draw, text)
    file = struct.pack("<Q", len(text)) + text + data
    return mutate(draw, file) if mutate in FILE_MUTATIONS else file


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


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_what_is_accepted_is_read_the_same_by_safetensors(scratch: Path, mutate: Mutation):
    @settings(max_examples=60, deadline=None)
    @given(content=mutated_files(mutate))
    def law(content: bytes) -> None:
        for limits in (ADAPTER_LIMITS, CHECKPOINT_LIMITS):
            file = opened(scratch, content, limits)
            if file is not None:
                assert_same(file, content)

    law()


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
