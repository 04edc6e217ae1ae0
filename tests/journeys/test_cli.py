"""The command line on the embedded model: a prompt file in, pictures, manifest and grid out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lora_mixer import __version__
from lora_mixer.errors import LoraMixerError
from lora_mixer.images import read_picture
from lora_mixer_app.cli import COMMANDS, build

TWO_BY_TWO = """
title = "two by two"

[defaults]
prompt = "red heart"
seed = 7
steps = 2

[axes]
columns = { lora = "night_sky", strengths = [0, 1] }
rows = { lora = "line_art", strengths = "0..1:2" }
"""


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(build(), [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def exit_of(*arguments: str | Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "lora_mixer_app", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "grid.toml").write_text(TWO_BY_TWO)
    run("render", folder / "grid.toml", "--output", folder / "out", "--dtype", "float32")
    return folder / "out"


def test_a_prompt_file_becomes_pictures_a_manifest_and_a_labelled_grid(rendered: Path) -> None:
    pictures = sorted((rendered / "images").iterdir())
    assert [path.name for path in pictures] == ["0000.png", "0001.png", "0002.png", "0003.png"]
    lines = [json.loads(line) for line in (rendered / "manifest.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == [f"images/{path.name}" for path in pictures]
    with Image.open(rendered / "grid.png") as grid, Image.open(pictures[0]) as one:
        assert grid.width > 2 * one.width
        assert grid.height > 2 * one.height


def test_every_picture_says_what_made_it(rendered: Path) -> None:
    info = read_picture(rendered / "images" / "0003.png")
    assert info.source == "lora-mixer"
    assert info.record is not None
    assert sorted((a.name, a.strength.denoiser) for a in info.record.adapters) == [
        ("line_art", 1.0),
        ("night_sky", 1.0),
    ]
    assert info.record.settings.seed == 7
    assert info.infotext is not None


def test_the_same_command_twice_gives_identical_pixels(rendered: Path, tmp_path: Path) -> None:
    run("render", rendered.parent / "grid.toml", "--output", tmp_path, "--dtype", "float32")
    for path in (rendered / "images").iterdir():
        with Image.open(path) as first, Image.open(tmp_path / "images" / path.name) as second:
            assert np.array_equal(np.asarray(first), np.asarray(second))


def test_options_win_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("# a comment\nred heart\n\ncat\n")
    output = tmp_path / "out"
    run(
        "render",
        tmp_path / "prompts.txt",
        "-o",
        output,
        "--steps",
        1,
        "--seed",
        3,
        "--size",
        "64x64",
        "--lora",
        "line_art=0.5",
    )
    records = [json.loads(line)["record"] for line in (output / "manifest.jsonl").read_text().splitlines()]
    assert [record["settings"]["prompt"] for record in records] == ["red heart", "cat"]
    assert {(r["settings"]["steps"], r["settings"]["seed"], r["settings"]["width"]) for r in records} == {(1, 3, 64)}
    assert {record["adapters"][0]["name"] for record in records} == {"line_art"}


def test_a_dry_run_prints_the_pictures_and_makes_none(rendered: Path, tmp_path: Path) -> None:
    output = run("render", rendered.parent / "grid.toml", "-o", tmp_path / "none", "--dry-run")
    assert "4 pictures" in output
    assert not (tmp_path / "none").exists()


def test_help_of_everything_needs_no_torch() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from lora_mixer_app.cli import build, COMMANDS;"
        "app = build();"
        "results = [CliRunner().invoke(app, [c.name, '--help']) for c in COMMANDS] + [CliRunner().invoke(app, ['--help'])];"
        "sys.exit(any(r.exit_code for r in results) or any(m in sys.modules for m in ('torch', 'diffusers', 'gradio')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_command_says_what_it_does() -> None:
    assert {command.name: command.does for command in COMMANDS} == {
        command.name: (command.run.__doc__ or "").splitlines()[0] for command in COMMANDS
    }


def test_models_and_loras_are_listed() -> None:
    assert "emoji" in run("models")
    names = [row["name"] for row in json.loads(run("loras", "--json"))]
    assert {"line_art", "night_sky", "top_hat"} <= set(names)
    assert names == [row["name"] for row in json.loads(run("loras", "--json"))]
    assert [row["name"] for row in json.loads(run("loras", "line", "--json"))] == ["line_art"]


def test_inspect_accounts_for_every_tensor(embedded: Path) -> None:
    facts = json.loads(run("inspect", embedded / "loras" / "line_art.safetensors", "--model", "emoji", "--json"))
    assert facts["mapping"]["complete"]
    assert facts["mapping"]["counts"]["rejected"] == 0
    assert facts["kinds"]


def test_inspect_takes_a_name_and_says_size_and_load(embedded: Path) -> None:
    by_name = run("inspect", "line_art", "--model", "emoji").splitlines()
    assert any(line.startswith("sum at 1: ") and line.endswith("load 1.00") for line in by_name)
    assert not any("made for: made for" in line for line in by_name)
    facts = json.loads(run("inspect", "line_art", "--json"))
    assert (
        facts["sha256"] == json.loads(run("inspect", embedded / "loras" / "line_art.safetensors", "--json"))["sha256"]
    )
    with pytest.raises(LoraMixerError, match="Did you mean line_art"):
        run("inspect", "line_arc")


def test_inspect_says_what_loras_have_in_common(embedded: Path) -> None:
    said = run("inspect", embedded / "loras" / "sepia.safetensors", "--overlap", "line_art=2", "--overlap", "night_sky")
    assert "cosine with each" in said
    assert "as much as one LoRA at strength 2." in said


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("render", "no-such-file.toml"), 4, "no-such-file.toml"),
        (("inspect", "pyproject.toml"), 4, "pyproject.toml"),
        (("render", "prompts/demo.toml", "--model", "emojy"), 6, "emoji"),
        (("render", "prompts/demo.toml", "--lora", "line_art"), 2, "NAME=STRENGTH"),
        (("render", "prompts/demo.toml", "--size", "big"), 2, "WxH"),
        (("render", "prompts/demo.toml", "--lora", "linart=1", "--steps", "1"), 5, "line_art"),
        (("render", "prompts/demo.toml", "--lora", "line_art=nan", "--steps", "1"), 2, "nan is not a strength"),
        (("render", "prompts/demo.toml", "--steps", "many"), 2, "--steps"),
        (("render", "prompts/demo.toml", "--size", "0x0"), 2, "--size: width should be"),
        (("render", "prompts/demo.toml", "--output", "pyproject.toml"), 4, "pyproject.toml"),
        (("render", "prompts/demo.toml", "--ray-address", "auto"), 2, "--executor ray"),
        (("render", "prompts/demo.toml", "--ray-address", "auto", "--dry-run"), 2, "--executor ray"),
        (("render", "prompts/demo.toml", "--executor", "rae"), 2, "--executor"),
        (("rendr",), 2, "rendr"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code_of_its_class(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    output = ("-o", str(tmp_path)) if arguments[0] == "render" and "--output" not in arguments else ()
    returned, said = exit_of(*arguments, *output)
    assert returned == code
    assert words in said
    (line,) = said.strip().splitlines()
    assert line.startswith("error: ")


def test_the_version_is_printed_without_a_command() -> None:
    assert run("--version").strip() == __version__


@pytest.mark.parametrize(
    ("jobs", "code", "words"),
    [
        ('[[jobs]]\nprompt = "cat"\nmodel = "emojy"\n', 6, "emojy"),
        ('[[jobs]]\nprompt = "cat"\nmodel = "emoji"\n[[jobs]]\nprompt = "a"\nmodel = "b"\n', 8, "1 of 2"),
        ("[[jobs]]\nsteps = 3\n", 3, "there is no prompt"),
    ],
)
def test_a_prompt_file_that_asks_for_what_cannot_be_had_is_told_so(
    jobs: str, code: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "jobs.toml").write_text(jobs)
    with pytest.raises(LoraMixerError, match=words) as caught:
        run("render", tmp_path / "jobs.toml", "-o", tmp_path / "out")
    assert caught.value.exit_code == code


def test_every_error_has_an_exit_code_of_its_own_class() -> None:
    direct = LoraMixerError.__subclasses__()
    assert len({error.exit_code for error in direct}) == len(direct)
