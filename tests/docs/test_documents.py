"""What the documents say is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import lora_mixer
from lora_mixer import errors
from lora_mixer_app.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = [link for link in LINK.findall(document.read_text()) if "://" not in link]
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert not missing


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    assert not [command.name for command in COMMANDS if f"lora-mixer {command.name}" not in text]


def test_every_error_is_in_the_tree_at_the_top_of_its_module() -> None:
    tree = errors.__doc__ or ""
    names = [name for name, value in vars(errors).items() if isinstance(value, type)]
    assert not [name for name in names if name not in tree]


def test_the_version_is_one_and_the_changelog_knows_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert lora_mixer.__version__ == project["version"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text()


def test_every_prompt_file_we_ship_can_be_read() -> None:
    from lora_mixer.promptfile import read_prompt_file

    files = [path for path in (ROOT / "prompts").iterdir() if path.is_file()]
    assert files
    for path in files:
        assert not read_prompt_file(path, strict=True).problems


def test_the_toml_examples_of_the_readme_are_read_as_they_stand(tmp_path: Path) -> None:
    from lora_mixer.catalog import load_models_file
    from lora_mixer.promptfile import read_prompt_file

    prompts, models = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    (tmp_path / "prompts.toml").write_text(prompts)
    assert len(read_prompt_file(tmp_path / "prompts.toml", strict=True).jobs) == 15
    (tmp_path / "models.toml").write_text(models)
    assert load_models_file(tmp_path / "models.toml").default == "sd15"


def test_no_error_sends_its_reader_to_a_page_by_a_path_that_only_a_checkout_has() -> None:
    code = [path for folder in ("lora_mixer", "app") for path in (ROOT / folder).rglob("*.py")]
    assert not [path for path in code if re.search(r"""["'][^"'\n]*docs/[\w-]+\.md""", path.read_text())]
