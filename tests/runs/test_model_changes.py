"""A model that changed between a kill and the next command is noticed, whichever of its files it was."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lora_mixer import Mixer
from lora_mixer.errors import ConfigError
from lora_mixer.runs.run import RunOptions
from lora_mixer.workers.inline import InlineExecutor
from tests.support.runs import SMALL, again

LINES = f"cat {SMALL} 1\nsun {SMALL} 2"


@pytest.fixture(scope="module")
def place(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(embedded / "model", folder / "pale")
    (folder / "models.toml").write_text('default = "pale"\n[models.pale]\nlocation = "pale"\n')
    return folder


@pytest.fixture(scope="module")
def half_done(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "out"
    again(folder, executor(place), text=LINES)
    (folder / "images" / "0001.png").unlink()
    return folder


def executor(place: Path) -> InlineExecutor:
    return InlineExecutor(lambda: Mixer.open(models_file=place / "models.toml", dtype="float32"))


def numbers(file: Path) -> None:
    """Change one number in the middle; size and date stay."""
    before = file.stat()
    with file.open("r+b") as handle:
        handle.seek(before.st_size // 2)
        byte = handle.read(1)
        handle.seek(-1, 1)
        handle.write(bytes([byte[0] ^ 1]))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def setting(name: str, value: object) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))

    return change


def last_merge(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-1]), encoding="utf-8")


CHANGES = {
    "unet/diffusion_pytorch_model.safetensors": numbers,
    "vae/diffusion_pytorch_model.safetensors": numbers,
    "text_encoder/model.safetensors": numbers,
    "scheduler/scheduler_config.json": setting("beta_end", 0.013),
    "unet/config.json": setting("norm_eps", 1e-4),
    "vae/config.json": setting("scaling_factor", 0.2),
    "text_encoder/config.json": setting("layer_norm_eps", 1e-4),
    "tokenizer/merges.txt": last_merge,
}


@pytest.mark.parametrize("file", CHANGES)
def test_a_model_that_changed_is_told_when_the_run_goes_on(
    place: Path, half_done: Path, tmp_path: Path, file: str
) -> None:
    folder = Path(shutil.copytree(half_done, tmp_path / "out"))
    kept = Path(shutil.copy2(place / "pale" / file, tmp_path / "kept"))
    try:
        CHANGES[file](place / "pale" / file)
        with pytest.raises(ConfigError, match=r"model( settings)? is "):
            again(folder, executor(place), RunOptions(batch=2, threads=1, strict=True), LINES)
    finally:
        shutil.copy2(kept, place / "pale" / file)


def test_a_model_that_was_put_back_is_the_same_again(place: Path, half_done: Path) -> None:
    os.utime(place / "pale" / "unet" / "diffusion_pytorch_model.safetensors")
    assert again(half_done, executor(place), text=LINES).rendered == 1


def test_pictures_of_the_model_there_was_are_kept_aside_and_made_again(
    place: Path, half_done: Path, tmp_path: Path
) -> None:
    folder, file = Path(shutil.copytree(half_done, tmp_path / "out")), place / "pale/scheduler/scheduler_config.json"
    kept, there = Path(shutil.copy2(file, tmp_path / "kept")), len(list((folder / "images").iterdir()))
    try:
        setting("beta_end", 0.013)(file)
        result = again(folder, executor(place), text=LINES)
    finally:
        shutil.copy2(kept, file)
    assert (result.found, result.rendered, len(list((folder / "set-aside").glob("*.png")))) == (0, 2, there)
