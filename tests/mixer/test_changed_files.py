"""A file written over while it is in use: no picture under the old digest, no dead process, and the new file next time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
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
from tests.support.leases import lends, truncating

LORA = "loras/line_art.safetensors"
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
    masked = Strength(0.7, mask=place / "mask.png")
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


@pytest.mark.parametrize("file", [UNET, LORA])
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
        (LORA, other_numbers),
        (LORA, shorter),
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


class CutShort:
    """What stands before the denoiser: in its first step a program begins to cut a file short."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.writer: subprocess.Popen[bytes] | None = None

    def __call__(self, *_: object) -> None:
        if self.writer is None:
            self.writer = truncating(self.file)
            time.sleep(0.5)  # time enough to write, if nothing kept it waiting


@pytest.mark.parametrize("file", [UNET, LORA])
def test_a_file_cut_short_within_a_step_is_an_error_at_its_end_and_the_writer_goes_on(place: Path, file: str) -> None:
    if not lends(place / file):
        pytest.skip("this disk lends no leases")
    content, mixer = (place / file).read_bytes(), opened(place)
    before, cut = mixer.render(wish(place)), CutShort(place / file)
    with (
        mixer.model.denoiser.network.register_forward_pre_hook(cut),
        pytest.raises(ChangedFileError, match="ask again") as caught,
    ):
        mixer.render(wish(place))
    assert caught.value.where == str(place / file)
    assert cut.writer is not None
    assert cut.writer.wait(timeout=20) == 0
    assert (place / file).stat().st_size == 0
    (place / file).write_bytes(content)  # nobody who rests keeps this waiting
    assert np.array_equal(pixels(mixer.render(wish(place))), pixels(before))


COMMAND = """
import sys
from pathlib import Path
from diffusers import UNet2DConditionModel
from lora_mixer_app.cli import main
from tests.mixer.test_changed_files import CutShort
cut, drawn = CutShort(Path(sys.argv[1])), UNet2DConditionModel.forward
def forward(*given, **named):
    cut()
    return drawn(*given, **named)
UNet2DConditionModel.forward = forward
sys.argv[1:] = sys.argv[2:]
try:
    main()
finally:
    print("the writer ended with", cut.writer and cut.writer.wait(timeout=20))
"""


def test_the_command_ends_with_an_error_not_with_a_signal(place: Path) -> None:
    if not lends(place / UNET):
        pytest.skip("this disk lends no leases")
    asked = ["render", "cat", "--models", "models.toml", "--dtype", "float32", "--steps", "2", "-o", "cat.png"]
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, str(place / UNET), *asked],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == ChangedFileError.exit_code, said
    assert "about to write the file" in said
    assert "the writer ended with 0" in said
    assert not (place / "cat.png").exists()


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
