"""`lora-mixer render` and `sweep` from the outside, with painters in the place of a model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from lora_mixer.errors import LoraMixerError
from lora_mixer.images import read_picture
from lora_mixer.runs.check_setup import NAMES
from lora_mixer_app.cli import build
from lora_mixer_app.cli.commands import running
from lora_mixer_app.cli.options import Where
from tests.support.painters import Painters

NAMED = {"line_art": "11" * 32, "sepia": "22" * 32, "top_hat": "33" * 32, "night_sky": "44" * 32}


@pytest.fixture
def executor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Painters:
    painters = Painters(NAMED)
    monkeypatch.setattr(running.Executors, "of", lambda self, setup: painters)
    monkeypatch.chdir(tmp_path)
    return painters


def run(*arguments: str | Path | int, text: str = "") -> str:
    result = CliRunner().invoke(build(), [str(argument) for argument in arguments], input=text, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def fails(*arguments: str | Path | int, text: str = "") -> tuple[int, str, str]:
    """The exit code, the error, and what was said before it."""
    result = CliRunner().invoke(build(), [str(argument) for argument in arguments], input=text)
    assert isinstance(result.exception, LoraMixerError), result.output
    return result.exception.exit_code, str(result.exception), result.output


def prompts_of(folder: Path) -> list[str]:
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    return [line["record"]["settings"]["prompt"] for line in lines]


def test_a_prompt_becomes_a_picture_with_its_record(executor: Painters) -> None:
    said = run("render", "red heart <lora:line_art:0.8>", "-o", "heart.png", "--seed", 7)
    assert "heart.png (" in said
    record = read_picture(Path("heart.png")).record
    assert (record.settings.prompt, record.settings.seed) == ("red heart <lora:line_art:0.8>", 7)
    assert [path.name for path in Path().iterdir()] == ["heart.png"]
    run("render", "-", "-o", "pipe.webp", text="a cat --seed 3\n")
    assert read_picture(Path("pipe.webp")).record.settings.prompt == "a cat"


def test_a_folder_for_the_picture_is_made_before_it_is_rendered(executor: Painters) -> None:
    run("render", "cat", "-o", "new/below/cat.png")
    assert read_picture(Path("new/below/cat.png")).record.settings.prompt == "cat"
    Path("file").write_text("in the way")
    painted = len(executor.painted)
    code, error, _ = fails("render", "cat", "-o", "file/cat.png")
    assert (code, len(executor.painted)) == (4, painted)
    assert "file" in error


def test_a_picture_that_is_there_is_never_lost(executor: Painters) -> None:
    Image.new("RGB", (8, 8)).save("heart.png")
    before = Path("heart.png").read_bytes()
    assert "heart.png was there and is now heart-1.png" in run("render", "red heart", "-o", "heart.png")
    assert Path("heart-1.png").read_bytes() == before


def test_one_file_is_not_made_of_several_pictures(executor: Painters) -> None:
    code, error, _ = fails("render", "cat", "dog", "-o", "heart.png")
    assert (code, "2 pictures are asked for" in error, executor.painted) == (2, True, [])


def test_runs_without_a_folder_get_one_each_and_resume_finds_the_last(executor: Painters) -> None:
    Path("prompts.txt").write_text("cat --seed 1\ndog --seed 2\n")
    for _ in range(2):
        run("render", "prompts.txt")
    run("render", "red heart", "cat")
    assert sorted(path.name for path in Path("out").iterdir()) == ["0001-prompts", "0002-prompts", "0003-red-heart"]
    assert prompts_of(Path("out/0003-red-heart")) == ["red heart", "cat"]
    executor.painted.clear()
    assert "0 pictures in" in run("render", "prompts.txt", "--resume")
    Path("prompts.txt").write_text("cat --seed 1\ndog --seed 2\nowl --seed 3")
    assert "out/0002-prompts" in run("render", "prompts.txt", "--resume")
    assert (executor.painted, len(prompts_of(Path("out/0001-prompts")))) == ([2], 2)
    assert fails("render", "cat", "--resume")[:1] == (4,)


def test_an_old_folder_of_no_number_is_the_first_to_go_on_with(executor: Painters) -> None:
    run("render", "cat", "-o", "out", "--seed", 1)
    executor.painted.clear()
    assert "1 was there already" in run("render", "cat", "--seed", 1, "--resume")
    assert executor.painted == []


def test_folders_and_patterns_render_each_file_into_its_own_folder(executor: Painters) -> None:
    Path("many").mkdir()
    for name in ("a.txt", "b.txt", "notes.md"):
        Path("many", name).write_text(f"{name} --seed 1\n")
    run("render", "many", "-o", "of-folder")
    run("render", "many/*.txt", "-o", "of-pattern")
    for folder in ("of-folder", "of-pattern"):
        assert sorted(path.name for path in Path(folder).iterdir()) == ["a", "b"]
        assert prompts_of(Path(folder, "b")) == ["b.txt"]
    assert fails("render", "many/*.md")[0] == 4
    assert fails("render", "nothing.txt")[0] == 4
    assert fails("render", "many/c")[0] == 4
    assert prompts_of(run_prompt("a [cat|dog] and 1/2*")) == ["a [cat|dog] and 1/2*"]


def run_prompt(prompt: str) -> Path:
    run("render", prompt, "-o", "prompted")
    return Path("prompted")


def test_known_failures_are_told_first_with_their_place_and_the_rest_is_made(executor: Painters) -> None:
    Path("p.txt").write_text(
        "cat --seed 1\n"
        "dog <lora:linart:0.5> --seed 2\n"
        "sun --seed 3 --loras sepa=1\n"
        "owl --styles nosuch\n"
        "fox (a <lora:sepia:x>)\n"
        "bee --sd_model emojy\n"
        "cow --steps 0\n"
    )
    code, error, said = fails("render", "p.txt", "-o", "out")
    assert (code, "5 of 6 pictures" in error) == (8, True)
    places = re.findall(r"failed: (\d+)  p.txt:(\d+:\d+): ", said)
    assert places == [("0001", "2:11"), ("0002", "3:22"), ("0003", "4:14"), ("0004", "5:20"), ("0005", "6:16")]
    assert said.index("failed: 0005") < said.index("1 of 6")
    assert "skipped: p.txt: line 7, column 5" in said
    assert prompts_of(Path("out")) == ["cat"]
    code, error, said = fails("render", "p.txt", "-o", "dry", "--dry-run")
    assert (code, len(re.findall("failed: ", said)), Path("dry").exists()) == (8, 5, False)
    for options in (("--strict",), ("--strict", "--dry-run")):
        code, error, _ = fails("render", "p.txt", "-o", "strict", *options)
        assert (code, error.startswith("p.txt:7:5: ")) == (3, True)
    Path("p.txt").write_text("cat --seed 1\ndog <lora:linart:0.5> --seed 2\n")
    assert fails("render", "p.txt", "-o", "strict", "--strict")[:2] == (
        5,
        "p.txt:2:11: there is no LoRA called 'linart' among 10. Did you mean line_art or pixel_art?",
    )
    assert (Path("strict").exists(), executor.asked) == (
        False,
        2,
    )  # the first command asked about one job, and its batch


def test_strengths_and_blocks_of_no_model_are_told_before_one_is_opened(executor: Painters) -> None:
    for option, said in (("line_art=1e4", "10000 is not a strength"), ("line_art=nan", "not a strength")):
        assert said in fails("render", "cat", "--lora", option, "--dry-run")[1]
    Path("p.toml").write_text('[[jobs]]\nprompt = "cat"\nloras = [{ name = "line_art", blocks = { FOO = 1 } }]\n')
    error = fails("render", "p.toml", "--dry-run")[1]
    assert "no model has a block 'FOO'" in error
    assert error.startswith("p.toml:3:20: ")


def test_a_file_that_is_no_model_is_told_before_it_is_opened(executor: Painters) -> None:
    Path("photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    code, error, _ = fails("render", "cat", "--model", "photo.png", "--dry-run")
    assert (code, "photo.png: " in error, executor.asked) == (4, True, 0)


def test_an_empty_prompt_is_not_the_folder_one_stands_in(executor: Painters) -> None:
    Path("p.txt").write_text("cat\n")
    assert "a prompt is empty" in fails("render", "", "--dry-run")[1]


def test_places_in_axes_and_defaults_are_told_too(executor: Painters) -> None:
    Path("p.toml").write_text(
        '[defaults]\nprompt = "cat"\nseed = 1\n\n[axes]\ncolumns = { lora = "linart", strengths = [0.5] }\n'
    )
    assert fails("render", "p.toml", "-o", "out")[1].startswith("p.toml:6:21: there is no LoRA called 'linart'")


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--model", "emojy"), 6, "emoji"),
        (("--model", "here"), 6, "model_index.json"),
        (("--models", "none.toml"), 4, "none.toml"),
        (("--models", "wrong.toml"), 6, "nowhere/at/all"),
        (("--device", "cud"), 2, "--device"),
        (("--device", "mps"), 2, "no mps device"),
        (("--dtype", "float23"), 2, "--dtype"),
        (("--dtype", "float16", "--device", "cpu"), 2, "float16"),
        (("--engine", "merge"), 2, "--engine"),
        (("--apply", "merge"), 2, "--engine"),
        (("--apply", "side", "--engine", "merged"), 2, "contradict"),
        (("--engine", "local", "--executor", "ray"), 2, "contradict"),
        (("--engine", "ray", "--executor", "local"), 2, "contradict"),
        (("--offload", "all"), 2, "--offload"),
        (("--style", "nosuch"), 2, "nosuch"),
        (("--lora", "linart=1"), 5, "line_art"),
        (("--grammar", "b1111"), 2, "b1111"),
        (("--emphasis", "loud"), 2, "loud"),
        (("--sampler", "Eulr"), 2, "Euler"),
        (("--rng", "dice"), 2, "dice"),
        (("-o", "file"), 4, "file"),
        (("-o", "file/below"), 4, "file"),
        (("-o", "no/such.png"), 4, "a file is in the way"),
        (("--executor", "local", "--ray-address", "auto"), 2, "--executor ray"),
    ],
)
def test_what_can_be_checked_is_checked_before_a_model_is_opened(
    options: tuple[str, ...], code: int, words: str, dry: tuple[str, ...], executor: Painters
) -> None:
    Path("file").touch()
    Path("here").mkdir()
    Path("wrong.toml").write_text('default = "m"\n[models.m]\nlocation = "nowhere/at/all"\n')
    if options == ("-o", "no/such.png"):
        Path("no").touch()
    for command in (("render", "cat"), ("sweep", "cat", "--lora", "line_art=1")):
        if command[0] == "sweep" and options[0] == "--lora":
            command, options = ("sweep", "cat"), ("--lora", "linart=1")
        returned, error, _ = fails(*command, *options, *dry)
        assert (returned, words in error) == (code, True), error
    assert (executor.asked, executor.started) == (0, 0)


def test_a_folder_that_cannot_be_written_to_is_told_first(executor: Painters, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sealed").mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "sealed" not in str(path) and access(path, mode))
    code, error, _ = fails("render", "cat", "-o", "sealed/out", "--dry-run")
    assert (code, "cannot be written to" in error) == (4, True)


def test_the_names_that_are_checked_are_those_that_there_are() -> None:
    from lora_mixer.models import DTYPES, OFFLOAD_MODES
    from lora_mixer.render_options import ENGINES

    assert {name: set(values) for name, values in NAMES.items()} == {
        "engine": set(ENGINES),
        "offload": set(OFFLOAD_MODES),
        "dtype": set(DTYPES),
    }


@pytest.mark.parametrize(
    ("words", "column", "said"),
    [
        ("cat <lora:line_art:1:lbw=FOO>", 5, "LoRA line_art: 'FOO' is"),
        ("cat <lora:line_art:1:lbw=1,2>", 5, "a list of 2 block weights is for no family"),
        ("[cat:<lora:line_art:1:lbwe=IN00/attn>:3]", 6, "LoRA line_art: "),
        ("cat --emphasis loud", 5, "there is no emphasis mode 'loud'"),
        ("cat --grammar latin", 5, "there is no prompt grammar 'latin'"),
    ],
)
def test_what_no_model_takes_is_told_at_its_place_before_one_is_opened(
    executor: Painters, words: str, column: int, said: str
) -> None:
    Path("p.txt").write_text(f"sun\n{words}\n")
    _, error, _ = fails("render", "p.txt", "--strict", "--dry-run")
    assert f"p.txt:2:{column}" in error
    assert said in error


def test_progress_is_told_in_lines_where_there_is_no_terminal(executor: Painters) -> None:
    Path("p.txt").write_text("".join(f"cat --seed {n}\n" for n in range(30)))
    lines = [line for line in run("render", "p.txt", "-o", "out").splitlines() if " of " in line or "opening" in line]
    assert lines[0] == "opening the model for 30 pictures"
    assert [line.partition(",")[0] for line in lines][-1] == "rendering: 30 of 30"
    assert 6 <= len(lines) <= 14


def test_a_finished_plan_is_finished_without_a_model(executor: Painters) -> None:
    run("render", "cat", "dog", "-o", "out", "--seed", 1)
    asked, started = executor.asked, executor.started
    assert "0 pictures in" in run("render", "cat", "dog", "-o", "out", "--seed", 1)
    assert (executor.asked, executor.started) == (asked, started)
    Path("models.toml").write_text('default = "emoji"\n[models.emoji]\nlocation = "builtin:emoji"\n')
    assert "0 pictures in" in run("render", "cat", "dog", "-o", "out", "--seed", 1)
    assert executor.asked > asked


def test_a_finished_plan_imports_no_torch(tmp_path: Path, executor: Painters) -> None:
    run("render", "cat", "-o", "out", "--seed", 1)
    code = (
        "import sys; from lora_mixer_app.cli import build;"
        "build()(['render', 'cat', '-o', 'out', '--seed', '1'], standalone_mode=False);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'diffusers', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_a_sweep_takes_every_setting_of_a_render(executor: Painters) -> None:
    import inspect

    from lora_mixer_app.cli.commands.render import render
    from lora_mixer_app.cli.commands.sweep import sweep

    there = set(inspect.signature(sweep).parameters)
    assert set(inspect.signature(render).parameters) - there == {"sources"}
    run(
        "sweep",
        "cat",
        "--lora",
        "top_hat=0,1",
        "--seeds",
        2,
        "--seed",
        5,
        "--steps",
        3,
        "--cfg",
        2,
        "--clip-skip",
        2,
        "-o",
        "s",
    )
    lines = [json.loads(line)["record"]["settings"] for line in Path("s/manifest.jsonl").read_text().splitlines()]
    assert {(one["seed"], one["steps"], one["cfg"], one["clip_skip"]) for one in lines} == {
        (5, 3, 2.0, 2),
        (6, 3, 2.0, 2),
    }
    assert list(Path("s").glob("sweep-*.toml"))


def test_the_readmes_commands_do_not_stand_in_each_others_way(executor: Painters) -> None:
    Path("prompts.txt").write_text("cat\ndog\n")
    run("render", "prompts.txt", "--lora", "line_art=0.8", "--steps", 25, "--size", "128x128", "--batch", 8)
    run("render", "prompts.txt", "--workers", 2)
    assert "2 were there already" in run("render", "prompts.txt", "--workers", 2, "--resume")


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (("--apply", "side"), {"engine": "side", "where": Where.LOCAL}, "--apply side is --engine side now"),
        (("--engine", "ray"), {"engine": "auto", "where": Where.RAY}, "--engine ray is --executor ray now"),
        (
            ("--engine", "local", "--apply", "merged"),
            {"engine": "merged", "where": Where.LOCAL},
            "--engine local is --executor local now",
        ),
        (("--engine", "side", "--executor", "ray"), {"engine": "side", "where": Where.RAY}, ""),
    ],
)
def test_spellings_of_the_first_release_are_read_with_a_note(
    old: tuple[str, ...], new: dict[str, object], note: str, executor: Painters, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = []
    monkeypatch.setattr(running.Executors, "__init__", lambda self, given: flags.append(given))
    result = CliRunner().invoke(build(), ["render", "cat", "-o", "out", *old])
    assert result.exit_code == 0, result.output
    assert {name: getattr(flags[0], name) for name in new} == new
    assert note in result.stderr
    assert (note == "") == ("now" not in result.stderr)
    assert "now" not in result.stdout
