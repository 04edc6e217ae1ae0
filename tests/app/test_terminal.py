"""Nothing out of a file speaks to the terminal: control sequences, direction marks and markup are shown, not obeyed."""

from __future__ import annotations

import ast
import dataclasses
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import lora_mixer_app
from lora_mixer import Mixer
from lora_mixer.errors import RequestError
from lora_mixer.images import save_picture
from lora_mixer_app.cli import build
from lora_mixer_app.cli.output import Console, PlainTable, clean, print_json
from lora_mixer_app.cli.program import _fail

EVIL = "\x1b]52;c;QUJD\x07 \x1b[2J \x9b31m \u202egnp.exe\u202c \u2066x\u2069 [/red] [bold]b[/bold] :cat: \x7f\x08\u200b\U000e0041"
HARMLESS = "Grüße, 猫, 👩‍🎨, עברית, a\tb"


def is_clean(text: str) -> bool:
    """Say whether a terminal shows all of a text and obeys none of it."""
    return not any(
        unicodedata.category(letter) in {"Cc", "Cs"} or unicodedata.bidirectional(letter) in MARKS
        for letter in text.replace("\n", "").replace("\t", "")
    )


MARKS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@given(st.text())
def test_whatever_is_cleaned_is_clean_and_what_was_so_stays(text: str) -> None:
    assert is_clean(clean(text))
    assert "\n" not in clean(text)
    assert clean(clean(text)) == clean(text)
    assert clean(text, lines=True).count("\n") == text.count("\n")
    assert clean(HARMLESS) == HARMLESS


def test_the_console_and_tables_show_markup_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(width=300)
    table = PlainTable(f"name {EVIL}")
    table.add_row(EVIL)
    for what in (EVIL, table):
        console.print(what)
    console.print(f"two\n{EVIL}", style="red", markup=True)
    console.say(f"one\n{EVIL}")
    shown = capsys.readouterr().out
    assert is_clean(shown)
    assert (
        shown.count("[/red]")
        == shown.count("[bold]b[/bold]")
        == shown.count(":cat:")
        == shown.count("\\x1b]52;c;")
        == 5
    )
    assert "one\\n\\x1b" in shown


@given(st.text())
def test_json_is_the_same_value_and_clean(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("builtins.print", said.append)
        print_json({text: [text]})
    assert is_clean(said[0])
    assert json.loads(said[0]) == {text: [text]}


def test_an_error_and_its_note_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    error = RequestError(f"what\nerror: forged {EVIL}", where=EVIL)
    error.add_note(f"the line {EVIL}\n    ^")
    with pytest.raises(SystemExit):
        _fail(error)
    shown = capsys.readouterr().err
    assert is_clean(shown)
    assert "\nerror: forged" not in shown
    assert "    ^" in shown


@pytest.fixture
def hostile(embedded: Path, tmp_path: Path, mixer: Mixer) -> Path:
    """A folder with a LoRA and pictures whose every text is an attacker's."""
    tensors = load_file(embedded / "loras" / "line_art.safetensors")
    metadata = {
        "ss_output_name": EVIL,
        "ss_tag_frequency": json.dumps({"1_x": {EVIL: 9}}),
        "ss_base_model_version": EVIL,
    }
    save_file(tensors, tmp_path / "evil[red].safetensors", metadata)
    (tmp_path / "evil[red].json").write_text(json.dumps({"description": EVIL, "activation text": EVIL}))
    (tmp_path / "broken.safetensors").write_bytes(b"\x1b[2J")
    (tmp_path / "models.toml").write_text(f'[folders]\nloras = ["{tmp_path.as_posix()}"]\n')
    made = mixer.render("cat <lora:line_art:1>", steps=1, seed=1)
    names = tuple(dataclasses.replace(one, name=EVIL, kind=EVIL) for one in made.record.adapters)
    save_picture(
        made.image,
        dataclasses.replace(made.record, notes=(EVIL,), adapters=names, engine_reason=EVIL),
        tmp_path / "ours.png",
    )
    text = PngInfo()
    text.add_itxt(
        "parameters", f"{EVIL}\nNegative prompt: {EVIL}\nSteps: 20, {EVIL}: 1, Sampler: {EVIL}, Model: {EVIL}"
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "theirs.png", pnginfo=text)
    return tmp_path


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize(
    "words", [["info", "ours.png"], ["info", "theirs.png"], ["inspect", "evil[red].safetensors"], ["loras"], ["models"]]
)
def test_no_command_lets_a_file_speak(hostile: Path, words: list[str], as_json: list[str]) -> None:
    command, *files = words
    options = ["--models", str(hostile / "models.toml")] if command in {"loras", "models"} else []
    done = CliRunner().invoke(build(), [command, *(str(hostile / file) for file in files), *options, *as_json])
    assert done.exit_code == 0, done.exception
    assert is_clean(done.output)
    if as_json:
        json.loads(done.output)


def test_every_command_prints_through_the_module_that_cleans() -> None:
    root = Path(lora_mixer_app.__file__).parent
    for path in root.rglob("*.py"):
        if path.name == "output.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = {node.module} if isinstance(node, ast.ImportFrom) else set()
            assert not modules & {"rich.console", "rich.table", "rich.markup", "rich"}, path
            assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"), path
