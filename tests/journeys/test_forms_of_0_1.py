"""What version 0.1 wrote is read as it was: prompt files, tags, mix files, runs and pictures.

The files in `tests/fixtures/forms-0.1` were made by the last version before the families' rebuild, and are never rewritten.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lora_mixer import Mixer
from lora_mixer.images import read_picture
from lora_mixer.mixer import rerender
from lora_mixer.pipeline import record
from lora_mixer_app.cli import build

FORMS = Path(__file__).parents[1] / "fixtures" / "forms-0.1"
PICTURES = sorted((FORMS / "run" / "images").glob("*.png"))


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(FORMS, tmp_path / "forms")
    monkeypatch.chdir(tmp_path / "forms")
    return tmp_path / "forms"


def said_by(*arguments: str) -> str:
    ended = CliRunner().invoke(build(), list(arguments))
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_a_finished_run_is_still_finished(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    then = json.loads((copied / "run" / "plan.json").read_text())["basis"]
    monkeypatch.setattr(record, "_versions", lambda: {name: then[name] for name in record.LIBRARIES})
    before = {path.name: path.read_bytes() for path in (copied / "run" / "images").glob("*.png")}
    output = said_by("render", "prompts.toml", "--upscale", "1", "--output", "run")
    assert re.search(r"0 pictures in .*, 8 were there already", output)
    assert {path.name: path.read_bytes() for path in (copied / "run" / "images").glob("*.png")} == before
    assert not (copied / "run" / "set-aside").exists()


@pytest.mark.parametrize(
    ("file", "pictures"),
    [("lines.txt", 2), ("table.csv", 2), ("lines.jsonl", 3), ("axes.toml", 6), ("prompts.toml", 8)],
)
def test_every_prompt_file_is_read_whole(copied: Path, file: str, pictures: int) -> None:
    output = said_by("render", file, "--output", "elsewhere", "--dry-run")
    assert "skipped" not in output
    assert re.search(rf"^{pictures} pictures of ", output, re.MULTILINE)


def test_a_mix_file_lies_over_every_job(copied: Path) -> None:
    (copied / "one.txt").write_text("a cat --steps 1 --seed 1")
    said_by("render", "one.txt", "--mix", "mix.toml", "--output", "mixed")
    record = read_picture(copied / "mixed" / "images" / "0000.png").record
    assert [use.name for use in record.settings.loras] == ["line_art", "warm_cold", "night_sky", "sepia"]
    before = read_picture(PICTURES[4]).record.settings.loras
    assert record.settings.loras[1:] == before


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_rendered_again_from_its_own_file(mixer: Mixer, path: Path) -> None:
    picture = rerender(mixer, read_picture(path).record)
    then, now = np.asarray(Image.open(path), dtype=int), np.asarray(picture.image, dtype=int)
    assert np.abs(then - now).mean() < 1  # bit-equal on one machine; processors differ


def test_a_record_that_is_read_and_written_says_the_same_settings(copied: Path) -> None:
    plan = json.loads((copied / "run" / "plan.json").read_text())
    for stored, path in zip(plan["jobs"], PICTURES, strict=True):
        record = read_picture(path).record
        assert type(record).from_json(record.to_json()) == record
        assert (record.settings.prompt, record.settings.seed) == (
            stored["settings"]["prompt"],
            stored["settings"]["seed"],
        )
