"""docs/regions.md: its fields are a region's, and its examples are read and drawn as they stand."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from lora_mixer import Mixer, Region
from lora_mixer.pipeline.probe import SHARE_OF_STEPS
from lora_mixer.prompt import divided
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.regions import regions_of

PAGE = (Path(__file__).parents[2] / "docs" / "regions.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    parts = re.split(r"^```(\w*)\n", PAGE, flags=re.MULTILINE)  # text, kind, block, nothing, text, ...
    return [block for of, block in zip(parts[1::4], parts[2::4], strict=True) if of == kind]


def test_the_fields_of_the_page_are_those_of_a_region() -> None:
    table = PAGE.partition("| field |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == {field.name for field in fields(Region)}
    assert f"{SHARE_OF_STEPS:.0%}".replace("%", " %") in PAGE


def test_its_prompt_files_and_prompts_and_json_are_read() -> None:
    for text in blocks("toml"):
        (job,) = read_prompt_text(text, Path("regions.toml"), strict=True).jobs
        assert len(job.request.regions) == 2
    (prompt,) = blocks("")
    assert len(divided(prompt).regions) == 2
    (text,) = blocks("json")
    assert len(regions_of(json.loads(text.replace("iVBORw0...", "iVBORw0KGgo=")))) == 2


def test_its_python_draws(mixer: Mixer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = blocks("python")
    exec(compile(text.replace("steps=4", "steps=1"), "regions.md", "exec"), {})
    assert (tmp_path / "regions.png").exists()
