"""Headers: what is read, what is refused, and that the refusal says what to do."""

from __future__ import annotations

import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lora_mixer.errors import BrokenFileError, MissingFileError, UnsafeFileError
from lora_mixer.files import ADAPTER_LIMITS, CHECKPOINT_LIMITS, Limits, TensorInfo, open_tensor_file

EMOJI = Path(__file__).parents[2] / "lora_mixer" / "data" / "emoji"


def f32(start: int, *shape: int) -> dict[str, Any]:
    count = 1
    for side in shape:
        count *= side
    return {"dtype": "F32", "shape": list(shape), "data_offsets": [start, start + 4 * count]}


def test_tensors_come_in_the_order_in_which_they_lie_in_the_file(save):
    path = save({"b": f32(8, 2), "a": f32(0, 2), "alpha": f32(16)}, bytes(20))
    file = open_tensor_file(path)
    assert list(file.tensors) == ["a", "b", "alpha"]
    assert file.tensors["alpha"] == TensorInfo(key="alpha", dtype="F32", shape=(), start=16, end=20)
    assert file.size == file.data_start + 20


def test_a_tensors_bytes_are_where_the_file_says(save):
    data = struct.pack("<3f", 1, 2, 3)
    file = open_tensor_file(save({"a": f32(0), "b": f32(4, 2)}, data))
    info = file.tensors["b"]
    assert file.buffer()[file.data_start + info.start : file.data_start + info.end] == data[4:]


def test_writing_into_the_buffer_leaves_the_file_alone(save):
    path = save({"a": f32(0, 1)}, b"\1\2\3\4")
    before = path.read_bytes()
    buffer = open_tensor_file(path).buffer()
    buffer[-4:] = b"\0\0\0\0"
    assert path.read_bytes() == before


def test_the_buffer_outlives_the_file(save):
    path = save({"a": f32(0, 1)}, b"\1\2\3\4")
    buffer = open_tensor_file(path).buffer()
    path.unlink()
    assert buffer[-4:] == b"\1\2\3\4"


def test_a_file_that_changed_since_its_header_was_checked_is_not_mapped(save):
    path = save({"a": f32(0, 1)}, bytes(4))
    file = open_tensor_file(path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BrokenFileError, match="changed while"):
        file.buffer()
    path.unlink()
    with pytest.raises(MissingFileError):
        file.buffer()


def test_every_file_of_the_embedded_model_is_accepted():
    paths = sorted(EMOJI.rglob("*.safetensors"))
    assert paths
    for path in paths:
        limits = CHECKPOINT_LIMITS if "model" in path.parts else ADAPTER_LIMITS
        assert open_tensor_file(path, limits=limits).tensors


def test_metadata_with_markup_come_back_as_written(save):
    metadata = {"<b>&amp;": "<script>alert('x')</script>\u202e\x00", "ss_tag": '{"a": 1}'}
    assert open_tensor_file(save({"__metadata__": metadata, "a": f32(0)}, bytes(4))).metadata == metadata


def test_a_header_of_640_bytes_is_not_taken_for_a_pickle(save):
    text = json.dumps({"a": f32(0)}).encode().ljust(640)
    path = save(text, bytes(4))
    assert path.read_bytes().startswith(b"\x80\x02")
    assert open_tensor_file(path).tensors


@pytest.mark.parametrize("dtype", ["I64", "I32", "BOOL"])
def test_a_single_number_may_be_an_integer_because_trainers_save_alphas_so(save, dtype):
    size = {"I64": 8, "I32": 4, "BOOL": 1}[dtype]
    entry = {"dtype": dtype, "shape": [], "data_offsets": [0, size]}
    assert open_tensor_file(save({"x.alpha": entry}, bytes(size))).tensors["x.alpha"].dtype == dtype


def test_whole_tensors_of_integers_are_for_checkpoints_only(save):
    path = save({"position_ids": {"dtype": "I64", "shape": [2], "data_offsets": [0, 16]}}, bytes(16))
    assert open_tensor_file(path, limits=CHECKPOINT_LIMITS).tensors
    with pytest.raises(BrokenFileError, match="cannot be a weight"):
        open_tensor_file(path)


@pytest.mark.parametrize("slot", ["bias_indices", "bias_size"])
def test_lycoris_s_sparse_addends_say_their_places_in_integers(save, slot):
    path = save({f"m.{slot}": {"dtype": "I16", "shape": [2], "data_offsets": [0, 4]}}, bytes(4))
    assert open_tensor_file(path).tensors[f"m.{slot}"].dtype == "I16"


def test_empty_tensors_are_for_checkpoints_only(save):
    path = save({"a": f32(0, 2), "e": f32(8, 0, 3)}, bytes(8))
    assert open_tensor_file(path, limits=CHECKPOINT_LIMITS).tensors["e"].shape == (0, 3)
    with pytest.raises(BrokenFileError, match="is empty"):
        open_tensor_file(path)


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
BAD_HEADERS = {
    "a key twice": (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "stands twice"),
    "metadata twice": (b'{"__metadata__":{},"__metadata__":{}}', "stands twice"),
    "a metadata key twice": (b'{"__metadata__":{"x":"1","x":"2"}}', "stands twice"),
    "a field twice": (b'{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}', "stands twice"),
    "an overlap": ({"a": f32(0, 1), "b": f32(0, 1)}, "overlaps 'a'"),
    "half an overlap": ({"a": f32(0, 2), "b": f32(4, 1)}, "overlaps 'a'"),
    "a hole": ({"a": f32(0, 1), "b": f32(8, 1)}, "4 bytes before it belong to no tensor"),
    "a hole at the start": ({"a": f32(4, 1)}, "before the first tensor"),
    "trailing bytes": ({"a": f32(0, 1)}, "after the last tensor"),
    "offsets past the end": ({"a": f32(0, 99)}, "cut short"),
    "start after end": ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, "takes 4 bytes"),
    "shape and bytes disagree": ({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 4]}}, "takes 2 bytes"),
    "a shape that overflows": ({"a": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}}, "too many elements"),
    "a shape that overflows to zero": ({"a": {"dtype": "F32", "shape": [2**32, 2**32, 4], "data_offsets": [0, 0]}}, "too many elements"),
    "a negative side": ({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, "impossible"),
    "minus zero": (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[-0,4]}}', "impossible"),
    **{
        f"minus zero behind {gap!r}": (f'{{"a":{{"dtype":"F32","shape":[1],"data_offsets":[0{gap}-0]}}}}'.encode(), "impossible")
        for gap in (",", ", ", ",\t", ",\n", ",\r")
    },
    "a side beyond int64": ({"a": ONE | {"shape": [2**63]}}, "impossible"),
    "an offset beyond int64": ({"a": ONE | {"data_offsets": [0, 2**63]}}, "impossible"),
    "a float side": ({"a": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}, "not whole"),
    "a true side": ({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, "list of whole numbers"),
    "a text side": ({"a": {"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]}}, "list of whole numbers"),
    "three offsets": ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 4]}}, "not two numbers"),
    "a number of 5000 digits": (b'{"a":' + b"9" * 5000 + b"}", "impossible"),
    "NaN": (b'{"a":NaN}', "not whole"),
    "a dtype nobody knows": ({"a": ONE | {"dtype": "F33"}}, "not supported"),
    "a dtype torch lacks": ({"a": ONE | {"dtype": "F4", "shape": [8]}}, "not supported"),
    "complex numbers": ({"a": ONE | {"dtype": "C64"}}, "not supported"),
    "a dtype that is a list": ({"a": ONE | {"dtype": []}}, "not supported"),
    "a strange field": ({"a": ONE | {"scale": 2}}, "not exactly"),
    "a missing field": ({"a": {"dtype": "F32", "shape": [1]}}, "not exactly"),
    "a list for an entry": ({"a": [1]}, "not exactly"),
    "too many axes": ({"a": ONE | {"shape": [1] * 100_000}}, "100,000 axes"),
    "a key with NUL": ({"a\0b": ONE}, "invisible"),
    "a key with a right-to-left mark": ({"a\u202eb": ONE}, "invisible"),
    "a key with dots that climb": ({"../../x": ONE}, "invisible"),
    "half a surrogate in a key": (b'{"\\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "invisible"),
    "half a surrogate in metadata": (b'{"__metadata__":{"a":"\\ud800"}}', "half a Unicode"),
    "an empty key": ({"": ONE}, "0 characters"),
    "a long key": ({"k" * 513: ONE}, "513 characters"),
    "a number in metadata": ({"__metadata__": {"a": 1}}, "not text"),
    "metadata that are a list": ({"__metadata__": []}, "not a table"),
    "nested JSON": (b'{"a":' * 100_000, "nested too deeply"),
    "bad JSON": (b"{'a':1}", "not JSON"),
    "bad UTF-8": (b'{"\xff":1}', "not UTF-8"),
    "UTF-16": ('{"a":1}'.encode("utf-16-le"), "not JSON"),
    "two documents": (b"{}{}", "not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_HEADERS, ids=str)
def test_a_header_that_lies_is_refused_with_file_and_reason(save, case):
    header, reason = BAD_HEADERS[case]
    path = save(header, bytes(8))
    with pytest.raises(BrokenFileError, match=reason) as caught:
        open_tensor_file(path)
    assert str(path) in str(caught.value.where)
    assert caught.value.remedy


def test_the_key_that_lies_is_named(save):
    with pytest.raises(BrokenFileError) as caught:
        open_tensor_file(save({"fine": f32(0, 1), "bad.key": {**f32(4, 1), "dtype": "F16"}}, bytes(8)))
    assert "key 'bad.key'" in str(caught.value.where)


def test_a_checkpoints_empty_tensor_of_uncountable_shape_is_refused(save):
    entry = {"dtype": "F32", "shape": [2**40, 2**40, 0], "data_offsets": [0, 0]}
    with pytest.raises(BrokenFileError, match="too many elements"):
        open_tensor_file(save({"a": entry}), limits=CHECKPOINT_LIMITS)


def test_limits_bound_the_header_and_the_number_of_tensors(save):
    path = save({"a": f32(0, 1), "b": f32(4, 1)}, bytes(8))
    with pytest.raises(BrokenFileError, match="lists 2 tensors, more than the 1"):
        open_tensor_file(path, limits=Limits(keys=1))
    with pytest.raises(BrokenFileError, match="more than the 16 allowed"):
        open_tensor_file(path, limits=Limits(header_bytes=16))


def test_a_huge_sparse_file_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as handle:
        handle.write(struct.pack("<Q", 2**40) + b"{")
        handle.truncate(2**41)
    with pytest.raises(BrokenFileError, match="more than the"):
        open_tensor_file(path)


@pytest.mark.parametrize(
    ("length", "reason"), [(2**63, "only"), (2**64 - 1, "only"), (100, "cut short"), (0, "not JSON")]
)
def test_a_header_length_that_lies_is_refused(tmp_path, length, reason):
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b"{}      ")
    with pytest.raises(BrokenFileError, match=reason):
        open_tensor_file(path)


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 40, -1])
def test_a_truncated_file_is_refused(save, cut):
    path = save({"a": f32(0, 4), "b": f32(16, 4)}, bytes(32))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BrokenFileError):
        open_tensor_file(path)


class Bomb:
    def __reduce__(self):
        return (os.system, ("false",))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["a.pt", "a.ckpt", "a.safetensors"])
def test_a_pickle_is_unsafe_whatever_its_name(tmp_path, name, protocol):
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Bomb(), protocol=protocol))
    with pytest.raises(UnsafeFileError, match="weights_only=True"):
        open_tensor_file(path)


def test_a_torch_archive_named_safetensors_is_unsafe(tmp_path):
    path = tmp_path / "a.safetensors"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Bomb()))
    with pytest.raises(UnsafeFileError, match="could run code"):
        open_tensor_file(path)


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
OTHERS = {
    "lfs": (LFS, "git lfs pull"),
    "page": (b"\n<!DOCTYPE html><html><body>Log in</body></html>", "Download it again"),
    "old page": (b"<HTML><HEAD>", "Download it again"),
    "json": (b'{"error":"Unauthorized","message":"..."}', "Download it again"),
    "gguf": (b"GGUF\3\0\0\0\0\0\0\0", "GGUF"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "preview"),
    "noise": (b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", "not a safetensors file"),
    "short text": (b"hello", "5 bytes"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_format_under_a_safetensors_name_is_recognised(tmp_path, case):
    content, said = OTHERS[case]
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(BrokenFileError, match=said):
        open_tensor_file(path)


def test_what_is_not_a_file_is_missing(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("nothing.safetensors", ".", "pipe", "a\0b", "nothing/below.safetensors", "x" * 5000):
        with pytest.raises(MissingFileError):
            open_tensor_file(tmp_path / name)


def test_a_file_that_may_not_be_read_says_so(save, monkeypatch):
    path = save({"a": f32(0)}, bytes(4))

    def denied(*_: object, **__: object):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(MissingFileError, match="permissions"):
        open_tensor_file(path)


def test_a_file_that_cannot_be_mapped_says_so(save, monkeypatch):
    file = open_tensor_file(save({"a": f32(0)}, bytes(4)))

    def full(*_: object, **__: object):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("mmap.mmap", full)
    with pytest.raises(BrokenFileError, match="cannot be mapped into memory"):
        file.buffer()
