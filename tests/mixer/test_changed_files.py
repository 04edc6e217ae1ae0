"""A file written over while it is in use: no picture under the old digest, no dead process, and the new file next time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from lora_mixer import Mixer, Progress, RenderedImage, RenderRequest, Strength
from lora_mixer.errors import ChangedFileError
from lora_mixer.files import sealed
from lora_mixer.mixes import LoraUse

UNET = "pale/unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def undisturbed(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model in float32, so that it stays mapped, a LoRA and a mask."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(embedded / "model", folder / "pale")
    for weights in (folder / "pale").rglob("*.safetensors"):
        save_file({key: value.float() for key, value in load_file(weights).items()}, weights)
    (folder / "loras").mkdir()
    shutil.copy(embedded / "loras" / "line_art.safetensors", folder / "loras")
    Image.new("L", (8, 8), 255).save(folder / "mask.png")
    (folder / "models.toml").write_text(
        'default = "pale"\n[folders]\nloras = ["loras"]\n[models.pale]\nlocation = "pale"\n'
    )
    return folder


@pytest.fixture
def place(undisturbed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(undisturbed, tmp_path / "place"))


def opened(place: Path) -> Mixer:
    return Mixer.open(models_file=place / "models.toml", dtype="float32")


def wish(place: Path) -> RenderRequest:
    masked = Strength(unet=0.7, mask=place / "mask.png")
    use = LoraUse(name="line_art", strength=masked)
    return RenderRequest(prompt="cat", loras=(use,), seed=7, steps=2, width=64, height=64)


def pixels(picture: RenderedImage) -> np.ndarray:
    return np.asarray(picture.image)


def other_numbers(file: Path) -> None:
    """Write over the numbers of a file in place; size and date stay as they were."""
    before = file.stat()
    data = bytearray(file.read_bytes())
    half = len(data) // 2
    data[half:] = (np.frombuffer(bytes(data[half : half + (len(data) - half) // 2 * 2]), np.uint16) ^ 1).tobytes() + (
        bytes(data[half + (len(data) - half) // 2 * 2 :])
    )
    with file.open("r+b") as handle:
        handle.write(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def shorter(file: Path) -> None:
    os.truncate(file, 4096)


def other_mask(file: Path) -> None:
    Image.new("L", (8, 8), 128).save(file)


@pytest.mark.parametrize("file", [UNET, "loras/line_art.safetensors"])
def test_a_file_written_over_between_two_pictures_is_read_anew_and_recorded_as_what_it_is(
    place: Path, file: str
) -> None:
    mixer = opened(place)
    before = mixer.render(wish(place))
    other_numbers(place / file)
    after = mixer.render(wish(place))
    assert not np.array_equal(pixels(before), pixels(after))
    fresh = opened(place).render(wish(place))
    assert np.array_equal(pixels(fresh), pixels(after))
    assert (after.record.model, after.record.adapters) == (fresh.record.model, fresh.record.adapters)
    assert (after.record.model, after.record.adapters) != (before.record.model, before.record.adapters)


@pytest.mark.parametrize(
    ("file", "spoil"),
    [
        (UNET, other_numbers),
        (UNET, shorter),
        ("pale/scheduler/scheduler_config.json", shorter),
        ("loras/line_art.safetensors", other_numbers),
        ("loras/line_art.safetensors", shorter),
        ("mask.png", other_mask),
    ],
)
def test_a_file_written_over_during_a_render_ends_it_with_one_line_and_no_picture(
    place: Path, file: str, spoil: Callable[[Path], None]
) -> None:
    mixer, done = opened(place), []
    content, before = (place / file).read_bytes(), mixer.render(wish(place))

    def spoil_once(_progress: Progress) -> None:
        if not done:
            done.append(spoil(place / file))

    with pytest.raises(ChangedFileError, match=Path(file).name) as caught:
        mixer.render(wish(place), on_progress=spoil_once)
    assert "ask again" in str(caught.value)
    (place / file).write_bytes(content)
    assert np.array_equal(pixels(mixer.render(wish(place))), pixels(before))


def test_a_seal_breaks_when_size_and_date_are_put_back(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    seal = sealed(file)
    assert seal is not None
    assert seal.holds
    seal.check()
    file.write_bytes(b"two")
    os.utime(file, ns=(seal.mtime_ns, seal.mtime_ns))
    if os.name != "nt":
        assert not seal.holds
    file.unlink()
    with pytest.raises(ChangedFileError, match="gone"):
        seal.check()
    assert sealed(file) is None
