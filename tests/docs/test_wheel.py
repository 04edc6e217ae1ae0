"""The README's commands, and those and the Python of every document, from an installed wheel in an empty folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_RUN = {
    "ui.md": "gradio_client",  # needs the server of that page: tests/app/test_serve.py
    "batch.md": "ProcessExecutor",  # a script that starts workers reads its own file again: tests/workers/test_executors.py
}
"""Document to a word in its snippets that are run elsewhere."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The wheel, built and installed into a folder of its own; the environment that finds it first."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(pip, check=True, capture_output=True)
    path = os.pathsep.join((str(target / "bin"), os.environ["PATH"]))
    return {**os.environ, "PYTHONPATH": str(target), "PATH": path}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The empty folder all of it is run in."""
    return tmp_path_factory.mktemp("work")


def snippets(document: Path) -> list[tuple[str, str]]:
    """Return a document's commands and Python in order."""
    found = []
    for kind, text in BLOCK.findall(document.read_text(encoding="utf-8")):
        if kind == "console":
            found += [(kind, line.removeprefix("$ ")) for line in text.splitlines() if line.startswith("$ ")]
        elif ">>>" not in text and NOT_RUN.get(document.name, "\0") not in text:
            found.append((kind, text))
    return [(kind, text) for kind, text in found if not text.startswith(("make ", "lora-mixer ui"))]


def test_the_wheel_has_what_the_commands_and_errors_speak_of(installed: dict[str, str], work: Path) -> None:
    code = (
        "import lora_mixer, pathlib; from lora_mixer.wording import page; from lora_mixer.catalog import packaged_text;"
        "assert page('prompts').is_relative_to(pathlib.Path(lora_mixer.__file__).parent) and page('prompts').is_file();"
        "packaged_text('prompts/demo.toml'); packaged_text('models.toml')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=work, env=installed, check=True)


def test_the_page_of_a_package_index_shows_no_picture_and_no_link_that_is_not_there(installed: dict[str, str]) -> None:
    (metadata,) = Path(installed["PYTHONPATH"]).glob("lora_mixer-*.dist-info/METADATA")
    page = metadata.read_text(encoding="utf-8").partition("\n\n")[2]
    assert page.startswith("# LoRA Mixer")
    assert not re.search(r"\]\((?!https?:)", page)


@pytest.mark.timeout(1800)  # a dozen real processes: a minute on an idle machine
def test_the_readme_is_true_word_for_word_in_an_empty_folder(installed: dict[str, str], work: Path) -> None:
    for kind, line in snippets(ROOT / "README.md"):
        assert kind == "console"
        done = subprocess.run(
            ["bash", "-c", line], cwd=work, env=installed, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    with Image.open(work / "out" / "demo" / "grid.png") as grid:
        assert grid.width > 600


def test_every_command_and_snippet_of_the_documents_runs(installed: dict[str, str], work: Path) -> None:
    every = [snippet for document in sorted((ROOT / "docs").glob("*.md")) for snippet in snippets(document)]
    assert len(every) > 8
    script = ROOT / "tests" / "docs" / "run_snippets.py"
    done = subprocess.run(
        [sys.executable, str(script)],
        input=json.dumps(every),
        cwd=work,
        env=installed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
