"""docs/design.md is true: the floors are import-linter's, names are one to a thing, and what a newcomer adds has a place."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from lora_mixer.adapters.kinds import KINDS
from lora_mixer.choices.samplers import SAMPLERS
from lora_mixer.choices.schedules import SCHEDULES
from lora_mixer.images.readers.table import READERS
from lora_mixer.keys.schemes import SCHEMES
from lora_mixer.prompt.grammars import GRAMMARS
from lora_mixer_app.cli import COMMANDS, build, program

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
PACKAGES = (ROOT / "lora_mixer", ROOT / "app" / "lora_mixer_app")
LONGEST = 59
"""Lines of a function, its signature and documentation counted."""
PRIVATE = 10
"""Private attributes that tests may look at: torch's, mostly."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_floors_of_the_page_are_those_that_import_linter_holds() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    told = re.findall(r"^\| \d+ \| ([^|]+) \|", section("The house"), re.MULTILINE)
    assert [set(re.findall(r"`(\w+)`", row)) for row in told] == [set(layer.split(" | ")) for layer in layers]


def test_no_two_public_classes_share_a_name() -> None:
    where = defaultdict(list)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                where[node.name].append(path)
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_no_function_is_long() -> None:
    lengths = {
        f"{path}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_every_place_that_a_newcomer_is_sent_to_is_there() -> None:
    rows = section("Where a newcomer adds a thing")
    places = [place for place in re.findall(r"`([\w/<>]+(?:/|\.\w+))`", rows) if not place.startswith("-")]
    assert len(places) > 15
    for place in places:
        pattern = re.sub(r"<\w+>", "*", place)
        bases = (*PACKAGES, ROOT)
        assert any(list(base.glob(pattern.rstrip("/"))) for base in bases), place


def modules_of(package: str) -> Iterator[ModuleType]:
    folder = ROOT / ("app" if package.startswith("lora_mixer_app") else "") / package.replace(".", "/")
    for path in sorted(folder.glob("*.py")):
        if path.stem != "__init__":
            yield import_module(f"{package}.{path.stem}")


@pytest.mark.parametrize(("package", "rows"), [("lora_mixer.adapters", KINDS), ("lora_mixer.keys", SCHEMES)])
def test_every_kind_and_scheme_that_a_file_defines_is_a_row(package: str, rows: tuple[object, ...]) -> None:
    defined = [
        value for module in modules_of(package) for value in vars(module).values() if isinstance(value, type(rows[0]))
    ]
    assert {id(value) for value in defined} == {id(row) for row in rows}


def test_every_reader_of_pictures_is_a_row() -> None:
    readers = {module.read for module in modules_of("lora_mixer.images.readers") if hasattr(module, "read")}
    assert {row.read for row in READERS} == readers


def test_names_stand_in_their_tables_once() -> None:
    for table in (SAMPLERS, SCHEDULES, GRAMMARS, COMMANDS):
        names = [getattr(row, "name", row) for row in (table.values() if hasattr(table, "values") else table)]
        assert len(names) == len(set(names)) > 1


def test_every_command_is_a_file_and_a_row_and_a_new_one_is_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for command in COMMANDS:
        assert command.run.__module__ == f"lora_mixer_app.cli.commands.{command.name}"
    helpers = {"run_options", "running"}
    files = {module.__name__.rpartition(".")[2] for module in modules_of("lora_mixer_app.cli.commands")}
    assert files - helpers == {command.name for command in COMMANDS}
    added = program.Command("greet", "Say hello.")
    monkeypatch.setattr(program, "COMMANDS", (*COMMANDS, added))
    assert "greet" in CliRunner().invoke(build("models"), ["--help"]).output


def test_every_tab_is_a_file_and_a_row() -> None:
    from lora_mixer_app.web.tabs import TABS

    assert {tab.build.__module__ for tab in TABS} == {f"lora_mixer_app.web.tabs.{tab.name}" for tab in TABS}


def test_tests_look_at_few_private_attributes() -> None:
    seen = [
        f"{path}: {node.value.id}.{node.attr}"
        for path in (ROOT / "tests").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and re.match(r"_[a-z]", node.attr)
        and isinstance(node.value, ast.Name)
        and node.value.id not in {"self", "cls"}
        and node.attr not in {"_replace", "_asdict", "_fields", "_make"}
    ]
    assert len(seen) <= PRIVATE, seen
