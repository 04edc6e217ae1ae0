"""Upscalers are found by A1111's name, by their file's, and by neither's exact spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.catalog import UpscalerLibrary
from lora_mixer.choices import UPSCALER_FILES
from lora_mixer.errors import MissingFileError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "anime").mkdir()
    for name in ("RealESRGAN_x4plus.pth", "4x-UltraSharp.pth", "anime/RealESRGAN_x4plus_anime_6B.safetensors", "a.txt"):
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        ("R-ESRGAN 4x+", "RealESRGAN_x4plus.pth"),
        ("realesrgan x4plus", "RealESRGAN_x4plus.pth"),
        ("R-ESRGAN 4x+ Anime6B", "RealESRGAN_x4plus_anime_6B.safetensors"),
        ("RealESRGAN 4x+ Anime6B", "RealESRGAN_x4plus_anime_6B.safetensors"),
        ("anime/RealESRGAN_x4plus_anime_6B", "RealESRGAN_x4plus_anime_6B.safetensors"),
        ("4x_ultrasharp", "4x-UltraSharp.pth"),
    ],
)
def test_names_of_a1111_and_of_files_find_one(folder: Path, asked: str, file: str) -> None:
    assert UpscalerLibrary([folder]).find(asked)[1].name == file


def test_the_list_has_a1111s_names(folder: Path) -> None:
    assert list(UpscalerLibrary([folder, folder / "none"]).files) == [
        "4x-UltraSharp",
        "R-ESRGAN 4x+",
        "R-ESRGAN 4x+ Anime6B",
    ]


def test_a_file_put_there_later_is_found(folder: Path) -> None:
    library = UpscalerLibrary([folder])
    (folder / "DAT_x4.pth").write_bytes(b"x")
    name, path = library.find("dat_x4")
    assert (name, path.name) == ("DAT x4", "DAT_x4.pth")


@pytest.mark.parametrize("name", UPSCALER_FILES)
def test_a_missing_one_says_which_file_to_get(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingFileError) as told:
        UpscalerLibrary([tmp_path]).find(name)
    assert f"{UPSCALER_FILES[name][0]}.pth" in str(told.value)


def test_a_misspelt_one_says_the_nearest(folder: Path) -> None:
    with pytest.raises(MissingFileError, match="4x-UltraSharp"):
        UpscalerLibrary([folder]).find("4x-UltraShrap")


def test_a_misspelt_one_of_the_program_says_the_nearest(folder: Path) -> None:
    with pytest.raises(MissingFileError, match="Did you mean Latent or"):
        UpscalerLibrary([folder]).find("Latnet")


def test_two_files_of_one_name_are_told_apart(folder: Path) -> None:
    (folder / "RealESRGAN_x4plus.safetensors").write_bytes(b"x")
    library = UpscalerLibrary([folder])
    with pytest.raises(MissingFileError, match=r"RealESRGAN_x4plus.pth or RealESRGAN_x4plus.safetensors"):
        library.find("R-ESRGAN 4x+")
    for name in ("RealESRGAN_x4plus.pth", "RealESRGAN_x4plus.safetensors"):
        assert library.find(name) == (name, folder / name)


def test_an_empty_file_is_named(folder: Path) -> None:
    (folder / "torn.pth").write_bytes(b"")
    library = UpscalerLibrary([folder])
    assert [file.path.name for file in library.broken] == ["torn.pth"]
    assert "torn" not in library.files


def test_a_file_is_told_by_its_digest(folder: Path) -> None:
    library = UpscalerLibrary([folder])
    assert (
        library.with_digest("7", lambda path: "7" if path.name.startswith("4x") else "8")
        == folder / "4x-UltraSharp.pth"
    )
    assert library.with_digest("9", lambda _: "7") is None
