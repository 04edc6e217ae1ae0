"""Files of torch.save: honest ones are read as torch reads them, and the others cost nothing and say what they are."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lora_mixer.conditioning import load_embedding
from lora_mixer.errors import BrokenFileError, FileError, MissingFileError, UnsafeFileError
from lora_mixer.files import ADAPTER_LIMITS, open_pickled_file
from lora_mixer.files.pickles.archive import open_archive
from lora_mixer.files.pickles.words import PickleError
from lora_mixer.mapping import open_adapter
from lora_mixer.models.checkpoint import read_checkpoint
from tests.support import pickles

DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2)
SIDES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@st.composite
def views(draw: st.DrawFn) -> torch.Tensor:
    """Draw a tensor that is perhaps a transposed part of a larger one."""
    whole = torch.randn([side + 2 for side in draw(SIDES)]).to(draw(st.sampled_from(DTYPES)))
    part = whole[tuple(slice(draw(st.integers(0, 1)), side, draw(st.integers(1, 2))) for side in whole.shape)]
    part = part.permute(draw(st.permutations(range(part.ndim))))
    return torch.nn.Parameter(part) if draw(st.booleans()) and part.dtype == torch.float32 else part


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from("abcdef"), views(), min_size=1), st.booleans(), st.booleans())
def test_every_tensor_is_read_as_torch_reads_it(tmp_path: Path, tensors, old, inside) -> None:
    path = tmp_path / "a.pt"
    old = old and not any(one.dtype.itemsize == 1 for one in tensors.values())  # torch itself cannot read those
    torch.save({"state_dict": tensors} if inside else tensors, path, _use_new_zipfile_serialization=not old)
    parsed, read = open_adapter(path)
    theirs = torch.load(path, weights_only=True)
    theirs = theirs["state_dict"] if inside else theirs
    assert parsed.file.tensors.keys() == theirs.keys() == tensors.keys()
    for key, info in parsed.file.tensors.items():
        ours = read(info)
        assert (ours.dtype, ours.shape) == (theirs[key].dtype, theirs[key].shape)
        torch.testing.assert_close(ours, theirs[key].detach(), rtol=0, atol=0, equal_nan=True)


def test_tensors_that_share_a_storage_are_read(tmp_path: Path) -> None:
    whole = torch.arange(12.0).view(3, 4)
    torch.save({"q": whole[:1], "k": whole[1:2], "v": whole[2:]}, tmp_path / "a.ckpt")
    tensors, _ = read_checkpoint(tmp_path / "a.ckpt")
    assert torch.equal(torch.cat([tensors["q"], tensors["k"], tensors["v"]]), whole)


def read_as_all(path: Path) -> list[Exception]:
    """Read a file as an adapter, an embedding and a checkpoint, and return what was raised."""
    raised: list[Exception] = []
    for reader in (open_adapter, load_embedding, read_checkpoint):
        try:
            reader(path)
        except Exception as error:  # noqa: BLE001 what is raised is what is tested
            raised.append(error)
    return raised


ONE = {"a": pickles.tensor()}
HOSTILE = {
    "LONG_BINPUT without its four bytes": b"r\x89",
    "nothing": b"",
    "stride 0": pickles.archive(pickles.table({"a": pickles.tensor((1 << 20, 1 << 20), (0, 0))})),
    "stride 0 over a few": pickles.archive(pickles.table({"a": pickles.tensor((1 << 20, 6), (0, 1))})),
    "beyond its storage": pickles.archive(pickles.table({"a": pickles.tensor((2, 3), (3, 2))})),
    "an offset beyond": pickles.archive(pickles.table({"a": pickles.tensor(offset=1)})),
    "a huge offset": pickles.archive(pickles.table({"a": pickles.tensor(offset=1 << 62)})),
    "a negative side": pickles.archive(pickles.table({"a": pickles.tensor((-2, 3))})),
    "a negative stride": pickles.archive(pickles.table({"a": pickles.tensor(strides=(-3, 1))})),
    "fewer strides": pickles.archive(pickles.table({"a": pickles.tensor(strides=(1,))})),
    "a million axes": pickles.archive(pickles.table({"a": pickles.tensor([1] * 5_000, [1] * 5_000)})),
    "a larger storage than there is": pickles.archive(pickles.table({"a": pickles.tensor((1 << 40,), (1,), numel=1 << 40)})),
    "a storage that is not there": pickles.archive(pickles.table({"a": pickles.tensor(key="7")})),
    "on the device meta": pickles.archive(pickles.table({"a": pickles.tensor(location="meta")})),
    "complex numbers": pickles.archive(pickles.table({"a": pickles.tensor(storage="ComplexFloatStorage")})),
    "quantised": pickles.archive(pickles.table({"a": pickles.tensor(storage="QInt8Storage")})),
    "packed": pickles.archive(pickles.table(ONE), packed=True),
    "one storage a hundred times": pickles.archive(
        pickles.table({f"a{i}": pickles.tensor((1000, 1000), (1000, 1), numel=10**6) for i in range(100)}),
        records=[bytes(4 * 10**6)],
    ),
    "a tensor and no name": pickles.archive(b"\x80\x02" + pickles.tensor() + b"."),
    "a memory of four billion": b"\x80\x02}r\xff\xff\xff\xff.",
    "a text of 16 EiB": b"\x80\x04\x8d" + b"\xff" * 8 + b".",
    "a number of 255 bytes as a key": pickles.archive(b"\x80\x02}\x8a\xff" + b"\x01" * 255 + b"Ns."),
    "a tuple as a key": pickles.archive(b"\x80\x02})\x85\x85\x85Ns."),
    "nested tuples": b"\x80\x02)" + b"\x85" * 40_000 + b".",
    "nested lists": b"\x80\x02" + b"]" * 40_000 + b"a" * 39_999 + b".",
    "lists by the hundred thousand": b"\x80\x02(" + b"]" * 300_000 + b"l.",
    "tables doubled": b"\x80\x02}(" + b"".join(pickles.text(str(i)) + b"N" for i in range(5000)) + b"u"
    + b"ctorch.nn.modules.container\nParameterDict\n)\x81" + b"2" * 3 + b".",
    "only marks": b"\x80\x02" + b"(" * 300_000,
    "half an archive": pickles.archive(pickles.table(ONE))[:150],
    "no pickle in the archive": pickles.archive(pickles.table(ONE)).replace(b"data.pkl", b"data.pkk"),
    "ggml": struct.pack("<I", 0x67676C61) + bytes(300),
    "a web page": b"<!DOCTYPE html>" + bytes(300),
    "zeros": bytes(300),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_typed_error_that_names_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(HOSTILE[name])
    raised = read_as_all(path)
    assert all(isinstance(error, FileError) for error in raised), raised
    assert len(raised) >= 2, "no adapter and no embedding"
    assert all(str(path) in str(error) for error in raised)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_little(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(HOSTILE[name])
    with contextlib.suppress(FileError):
        load_embedding(path)  # what is only loaded at the first use is none of its cost
    start = time.process_time()
    with contextlib.suppress(FileError):
        load_embedding(path)
    assert time.process_time() - start <= 1 + len(HOSTILE[name]) / 2**20
    tracemalloc.start()
    with contextlib.suppress(FileError):
        load_embedding(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= (64 << 20) + 4 * len(HOSTILE[name])


def test_every_damaged_byte_ends_in_tensors_or_a_typed_error(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    for old in (False, True):
        torch.save({"string_to_param": {"*": torch.ones(1, 4)}}, path, _use_new_zipfile_serialization=not old)
        whole = path.read_bytes()
        for at in range(0, len(whole), 7):
            for damage in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1 :]):
                path.write_bytes(damage)
                assert all(isinstance(error, FileError) for error in read_as_all(path))


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x02(cos\nsystem\nX\x04\x00\x00\x00trueo.",
        b"\x80\x02c__builtin__\neval\nX\x01\x00\x00\x001\x85R.",
        b"\x80\x02ctorch\nload\nX\x01\x00\x00\x00a\x85R.",
        b"\x80\x02\x82\x01.",
    ],
)
def test_a_pickle_that_asks_for_code_is_refused_with_what_it_asks_for(tmp_path: Path, pickled: bytes) -> None:
    for content in (pickled, pickles.archive(pickled)):
        (tmp_path / "a.pt").write_bytes(content)
        raised = read_as_all(tmp_path / "a.pt")
        assert len(raised) == 3
        if not pickled.startswith(b"(S"):
            assert all(isinstance(error, UnsafeFileError) for error in raised), raised


def test_the_words_of_an_attacker_do_not_reach_the_terminal_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes("\x80\x02c\x1b]52;c;QQ==\x07\nsys\u202etem\n.".encode("latin-1", "ignore"))
    for error in read_as_all(tmp_path / "a.pt"):
        assert str(error).isprintable()


def test_no_more_values_are_made_than_a_large_honest_file_has(tmp_path: Path) -> None:
    torch.save({f"lora_unet_module_{i}.lora_up.weight": torch.ones(1) for i in range(6000)}, tmp_path / "a.pt")
    assert len(open_adapter(tmp_path / "a.pt")[0].file.tensors) == 6000


@pytest.mark.parametrize("place", ["pipe", "/dev/zero", "folder", "link"])
def test_what_is_no_regular_file_is_never_opened(tmp_path: Path, place: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("pipe")
    for error in read_as_all(tmp_path / "a.pt"):
        assert isinstance(error, MissingFileError)
    with pytest.raises(MissingFileError):
        open_pickled_file(Path(place) if place.startswith("/") else tmp_path / place, limits=ADAPTER_LIMITS)


def test_a_list_of_tensors_and_an_embedding_are_called_what_they_are(tmp_path: Path) -> None:
    torch.save([torch.ones(2, 2)] * 3, tmp_path / "a.pt")
    with pytest.raises(BrokenFileError, match="its 3 tensors stand in a list"):
        open_adapter(tmp_path / "a.pt")
    torch.save({"string_to_param": {"*": torch.ones(1, 4)}}, tmp_path / "a.pt")
    with pytest.raises(BrokenFileError, match="textual inversion embedding"):
        open_adapter(tmp_path / "a.pt")


def test_an_archive_of_more_records_than_tensors_can_need_is_refused() -> None:
    content = pickles.archive(pickles.table({}), records=[b""] * 10)
    with pytest.raises(PickleError, match="lists 11 records, more than the 10 allowed"):
        open_archive(io.BytesIO(content), len(content), 10)
    assert len(open_archive(io.BytesIO(content), len(content), 11).records) == 11
