"""LoRAs of other people's pictures are found here by digest, and a dry run tells the time."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from typer.testing import CliRunner

from lora_mixer.catalog import Library
from lora_mixer.errors import RequestError
from lora_mixer.files import digest_file
from lora_mixer.mixer import request_from_picture
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.runs import estimate
from lora_mixer_app.cli import build


def pasted(path: Path, hashes: str) -> Path:
    text = f'cat <lora:theirs:0.7>\nNegative prompt: blurry\nSteps: 20, Seed: 1, Size: 64x64, Lora hashes: "{hashes}"'
    info = PngInfo()
    info.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def test_a_tag_of_another_name_is_called_as_the_file_of_its_digest_is(embedded: Path, tmp_path: Path) -> None:
    folder = embedded / "loras"
    digests = digest_file(folder / "line_art.safetensors")
    for number, digest in enumerate((digests.autov3, digests.autov2)):
        picture = pasted(tmp_path / f"{number}.png", f"theirs: {digest}")
        assert request_from_picture(picture, Library([folder])).prompt == "cat <lora:line_art:0.7>"
        shown = CliRunner().invoke(build(), ["info", str(picture), "--local"], catch_exceptions=False).output
        assert "<lora:line_art:0.7>" in shown


@pytest.mark.parametrize("digest", ["e3b0c44298fc", "0123456789ab", "nonsense"])
def test_no_digest_that_names_nothing_renames_a_tag(embedded: Path, tmp_path: Path, digest: str) -> None:
    picture = pasted(tmp_path / "a.png", f"theirs: {digest}")
    assert request_from_picture(picture, Library([embedded / "loras"])).prompt == "cat <lora:theirs:0.7>"


def test_a_picture_that_says_nothing_is_an_error(embedded: Path, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(RequestError, match="has no settings"):
        request_from_picture(tmp_path / "a.png", Library([embedded / "loras"]))


def test_without_an_earlier_run_a_dry_run_says_that_it_cannot_tell_the_time(tmp_path: Path) -> None:
    assert "no time estimate" in estimate(read_prompt_text("cat", Path("x.txt")), tmp_path)
