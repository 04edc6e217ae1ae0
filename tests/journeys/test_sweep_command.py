"""`lora-mixer sweep` on the embedded model."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from lora_mixer.promptfile import read_prompt_file
from lora_mixer_app.cli import build


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(build(), [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_sweep_becomes_one_mixed_batch_and_a_labelled_grid_with_a_picture_without_loras(tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = run("sweep", "cat", "--lora", "top_hat=0..1:2", "--lora", "line_art=1", "--steps", "1", "-o", out)
    assert "grid.png" in said
    lines = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    assert len(lines) == 4
    (file,) = out.glob("sweep-*.toml")
    assert read_prompt_file(file, strict=True).jobs[0].name == "cat, no line_art, top_hat 0"
    assert not any(adapter["strength"]["unet"] for adapter in lines[0]["record"]["adapters"])
    assert all(any(a["strength"]["unet"] for a in line["record"]["adapters"]) for line in lines[1:])


def test_a_dry_run_of_a_sweep_writes_nothing(tmp_path: Path) -> None:
    said = run("sweep", "cat", "--lora", "top_hat=0,1", "--seeds", "3", "--dry-run", "-o", tmp_path / "out")
    assert "6 pictures" in said
    assert not (tmp_path / "out").exists()
