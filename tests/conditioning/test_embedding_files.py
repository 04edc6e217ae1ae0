"""Embedding files in every form they come in, and those that are none."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lora_mixer.conditioning import load_embedding
from lora_mixer.errors import BrokenFileError, FileError, MissingFileError, UnsafeFileError

EMBEDDED = Path(__file__).parents[2] / "lora_mixer" / "data" / "emoji" / "embeddings" / "badpic.safetensors"
ONE = torch.arange(6.0).view(2, 3)


@pytest.mark.parametrize(
    "content",
    [
        {"string_to_token": {"*": 265}, "string_to_param": {"*": ONE}, "name": "x", "step": 5},
        {"string_to_param": torch.nn.ParameterDict({"*": torch.nn.Parameter(ONE)})},
        {"<token>": ONE},
        {"emb_params": ONE.half()},
    ],
)
def test_pickled_embeddings_are_read_by_the_restricted_unpickler(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "one.pt")
    embedding = load_embedding(tmp_path / "one.pt")
    assert embedding.name == "one"
    assert torch.equal(embedding.vectors["te1"], ONE)
    assert embedding.length == 2


@pytest.mark.parametrize("key", ["emb_params", "string_to_param.*", "<x>"])
def test_safetensors_embeddings_are_read_whatever_their_tensor_is_called(tmp_path: Path, key: str) -> None:
    save_file({key: ONE}, tmp_path / "two.safetensors")
    assert torch.equal(load_embedding(tmp_path / "two.safetensors").vectors["te1"], ONE)


def test_diffusers_training_scripts_name_the_pair_by_number(tmp_path):
    save_file({"text_encoders_0": ONE, "text_encoders_1": ONE + 1}, tmp_path / "pair.safetensors")
    loaded = load_embedding(tmp_path / "pair.safetensors")
    assert torch.equal(loaded.vectors["te1"], ONE)
    assert torch.equal(loaded.vectors["te2"], ONE + 1)


def test_a_pair_for_sdxl_goes_to_both_encoders(tmp_path: Path) -> None:
    save_file({"clip_l": ONE, "clip_g": ONE + 1}, tmp_path / "pair.safetensors")
    vectors = load_embedding(tmp_path / "pair.safetensors").vectors
    assert torch.equal(vectors["te1"], ONE)
    assert torch.equal(vectors["te2"], ONE + 1)


def test_a_lone_vector_is_an_embedding_of_one(tmp_path: Path) -> None:
    torch.save({"x": torch.ones(5)}, tmp_path / "lone.bin")
    assert load_embedding(tmp_path / "lone.bin").length == 1


def test_the_embedding_that_comes_with_the_program_is_read() -> None:
    embedding = load_embedding(EMBEDDED)
    assert (embedding.name, embedding.length >= 1) == ("badpic", True)


class Evil:
    """Would run code if it were unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("ran"),))


def test_a_pickle_that_could_run_code_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"x": Evil()}, "evil.pt")
    Path("old.pt").write_bytes(pickle.dumps({"x": Evil()}))
    for name in ("evil.pt", "old.pt"):
        with pytest.raises(UnsafeFileError, match="could run code"):
            load_embedding(Path(name))
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"a": ONE, "b": ONE},
        {"a": torch.ones(2, 2, 2)},
        {"a": torch.ones(2, 2).int()},
        {"a": torch.ones(0, 3)},
        ONE,
        5,
        {"a": torch.tensor([[float("nan")]])},
        {"a": torch.tensor([[float("inf")]])},
        {"clip_l": ONE, "clip_g": ONE[:1]},
    ],
)
def test_what_is_no_embedding_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "no.pt")
    with pytest.raises(BrokenFileError):
        load_embedding(tmp_path / "no.pt")


@pytest.mark.parametrize("junk", [b"", b"PK\x03\x04rest", b"\x80\x02", b"hello", bytes(300)])
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_junk_is_refused(tmp_path: Path, junk: bytes, suffix: str) -> None:
    path = tmp_path / f"junk{suffix}"
    path.write_bytes(junk)
    with pytest.raises(FileError):
        load_embedding(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    for name in ("a.pt", "a.safetensors"):
        with pytest.raises(MissingFileError):
            load_embedding(tmp_path / name)
