"""The door: regular files only, size first, links that stay in their folder, and nothing that waits for ever."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lora_mixer.blend.masks import open_mask
from lora_mixer.catalog import EmbeddingLibrary, Library
from lora_mixer.catalog.read_models import load_models_file
from lora_mixer.catalog.sidecar import read_sidecar
from lora_mixer.conditioning import load_embedding
from lora_mixer.errors import BrokenFileError, ConfigError, FileError, LoraMixerError, MissingFileError
from lora_mixer.files import digest_file, open_file, open_tensor_file, read_file, sample_of
from lora_mixer.images import load_pixels, read_picture
from lora_mixer.mapping import open_adapter
from lora_mixer.models.checkpoint import read_checkpoint
from lora_mixer.prompt.styles import read_styles
from lora_mixer.prompt.wildcards import Wildcards

READERS: dict[str, Callable[[Path], object]] = {
    "LoRA": open_adapter,
    "header": open_tensor_file,
    "embedding": load_embedding,
    "checkpoint": read_checkpoint,
    "digest": digest_file,
    "sample": sample_of,
    "mask": open_mask,
    "pixels": lambda path: load_pixels(path, "RGB"),
    "picture's record": read_picture,
    "style": read_styles,
    "whole": lambda path: read_file(path, at_most=10),
    "open": open_file,
}


def in_time(work: Callable[[], object]) -> list[object]:
    """Run what may wait for ever, and return what came of it; nothing if it still waits."""
    result: list[object] = []

    def run() -> None:
        try:
            result.append(work())
        except LoraMixerError as error:
            result.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(10)
    return result


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("reader", READERS)
def test_no_reader_waits_for_a_pipe_or_reads_a_device_or_a_folder(tmp_path: Path, reader: str, suffix: str) -> None:
    os.mkfifo(tmp_path / f"pipe{suffix}")
    (tmp_path / f"zero{suffix}").symlink_to("/dev/zero")
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"nowhere{suffix}").symlink_to("nothing")
    (tmp_path / f"loop{suffix}").symlink_to(f"loop{suffix}")
    for name in ("pipe", "zero", "folder", "nowhere", "loop", "missing", "null\0byte"):
        (outcome,) = in_time(lambda name=name: READERS[reader](tmp_path / f"{name}{suffix}"))
        assert isinstance(outcome, ConfigError if reader == "style" else MissingFileError), (name, outcome)
        assert name.partition("\0")[0] in str(outcome)


def test_a_pipe_beside_a_lora_or_among_wildcards_is_told_and_passed_over(tmp_path: Path, embedded: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes((embedded / "loras" / "line_art.safetensors").read_bytes())
    for name in ("a.json", "a.txt", "b.safetensors", "c.pt", "words.txt", "models.toml"):
        os.mkfifo(tmp_path / name)
    (library,) = in_time(lambda: Library([tmp_path], cache=tmp_path / "cache.sqlite"))
    assert [entry.name for entry in library.entries] == ["a"]
    (problems,) = in_time(lambda: read_sidecar([tmp_path / "a.json", tmp_path / "a.txt"]).problems)
    assert problems == ("a.json: this is not a regular file", "a.txt: this is not a regular file")
    assert in_time(lambda: list(EmbeddingLibrary([tmp_path]).files)) == [["a"]]
    (error,) = in_time(lambda: Wildcards([tmp_path]).values("words", at=0))
    assert isinstance(error, ConfigError)
    (error,) = in_time(lambda: load_models_file(tmp_path / "models.toml"))
    assert isinstance(error, LoraMixerError)


def test_a_link_that_leaves_its_folder_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    inside = tmp_path / "words"
    (inside / "below").mkdir(parents=True)
    (inside / "away.txt").symlink_to(secret)
    (inside / "here.txt").symlink_to("below/fine.txt")
    (inside / "below" / "fine.txt").write_text("fine")
    words = Wildcards([inside])
    assert words.values("here", at=0) == ("fine",)
    with pytest.raises(ConfigError, match="a link that leads out of its folder is not followed"):
        words.values("away", at=0)
    (inside / "a.json").symlink_to(secret)
    assert "leads out" in read_sidecar([inside / "a.json"]).problems[0]


def test_the_size_is_looked_at_before_anything_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as handle:
        handle.truncate(1 << 40)
    for reader in (load_embedding, read_styles, lambda path: read_file(path, at_most=5)):
        with pytest.raises(
            (BrokenFileError, ConfigError), match=r"1,099,511,627,776 bytes are more than the .* allowed"
        ):
            reader(path)


def test_a_file_that_grows_while_it_is_read_gives_no_more_than_was_allowed(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "grows"
    path.write_bytes(b"12345678")
    real = os.fstat

    def small(number: int) -> os.stat_result:
        status = list(real(number))
        status[6] = 4
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", small)
    with pytest.raises(BrokenFileError, match="allowed"):
        read_file(path, at_most=4)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"


@pytest.mark.parametrize("suffix", [".png", ".eps"])
def test_a_picture_of_any_other_format_is_never_decoded(tmp_path: Path, suffix: str, monkeypatch) -> None:
    path = tmp_path / f"mask{suffix}"
    path.write_bytes(EPS)
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("Ghostscript was asked for"))
    for reader in (open_mask, lambda path: load_pixels(path, "RGB")):
        with pytest.raises(BrokenFileError, match="not a readable picture"):
            reader(path)
    for kind in ("BMP", "TIFF", "PPM"):
        Image.new("L", (4, 4)).save(path, kind)
        with pytest.raises(BrokenFileError):
            open_mask(path)


def test_a_picture_of_too_many_pixels_is_refused_by_its_header(tmp_path: Path) -> None:
    for size in ((2, 8193), (4096, 2049)):
        Image.new("1", size).save(tmp_path / "large.png")
        with pytest.raises(BrokenFileError, match="too large here"):
            open_mask(tmp_path / "large.png")


@pytest.mark.parametrize("size", [(40, 30), (37, 700)])
def test_a_mask_read_in_bands_is_the_same_as_one_read_whole(tmp_path: Path, size: tuple[int, int]) -> None:
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 2), dtype=np.uint8)
    Image.fromarray(values, "LA").save(tmp_path / "mask.png")
    shares = values[..., 0] / 255 * (values[..., 1] / 255)
    mask = open_mask(tmp_path / "mask.png")
    assert mask.at(size[1], size[0]).numpy() == pytest.approx(shares)
    assert mask.mean == pytest.approx(shares.mean())


def test_damaged_pictures_are_typed_errors(tmp_path: Path) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        Image.linear_gradient("L").resize((32, 32)).save(tmp_path / "whole", kind)
        whole = (tmp_path / "whole").read_bytes()
        for at in range(0, len(whole), 11):
            for number, damaged in enumerate((whole[:at], whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])):
                path = tmp_path / f"{kind}{at}-{number}"
                path.write_bytes(damaged)
                with contextlib.suppress(FileError):
                    load_pixels(path, "LA")
