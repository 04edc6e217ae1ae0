"""Embeddings: the file's name is the word, upper and lower case alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.catalog import EmbeddingLibrary
from lora_mixer.errors import MissingFileError

EMBEDDED = Path(__file__).parents[2] / "lora_mixer" / "data" / "emoji"


@pytest.fixture
def folder(tmp_path):
    for name in ("BadHands.pt", "sub/easyneg.safetensors", "old.bin", "readme.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "empty.pt").touch()
    return tmp_path


def test_the_embedded_embedding_is_there():
    assert EmbeddingLibrary([EMBEDDED / "embeddings"]).find("badpic").name == "badpic.safetensors"


def test_every_embedding_has_the_name_of_its_file(folder):
    library = EmbeddingLibrary([folder, folder / "nowhere"])
    assert list(library.files) == ["BadHands", "easyneg", "old"]
    assert library.find("badhands") == folder / "BadHands.pt"
    assert library.find("EASYNEG") == folder / "sub" / "easyneg.safetensors"


def test_a_new_file_is_noticed_and_a_miss_names_the_nearest(folder):
    library = EmbeddingLibrary([folder])
    with pytest.raises(MissingFileError, match="Did you mean BadHands"):
        library.find("bad_hands")
    (folder / "bad_hands.pt").write_bytes(b"x")
    assert library.find("bad_hands") == folder / "bad_hands.pt"


def test_equal_names_are_told_apart_by_their_folder(folder):
    (folder / "easyneg.pt").write_bytes(b"x")
    library = EmbeddingLibrary([folder])
    assert "sub/easyneg" in library.files
    assert "easyneg" not in library.files


def test_a_name_never_reaches_out_of_the_folders(folder):
    with pytest.raises(MissingFileError):
        EmbeddingLibrary([folder / "sub"]).find("../BadHands")
