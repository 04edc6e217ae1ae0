"""Styles by name, from the request to the record."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from lora_mixer import Mixer, RenderRequest
from lora_mixer.errors import RequestError
from lora_mixer.promptfile.reading import read_prompt_text


@pytest.fixture
def styled(mixer: Mixer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mixer:
    path = tmp_path / "styles.csv"
    path.write_text('name,prompt,negative_prompt\nink,"{ink|ink} drawing of {prompt}",photo\n')
    monkeypatch.setattr(mixer, "models_file", dataclasses.replace(mixer.models_file, style_files=(path,)))
    return mixer


def test_a_style_is_worked_into_both_prompts_before_templates_are_drawn_and_is_told(styled: Mixer) -> None:
    job = styled.resolve(RenderRequest(prompt="cat", negative="blurry", styles=("ink",)))
    assert (job.settings.prompt, job.settings.negative) == ("ink drawing of cat", "blurry, photo")
    assert "styles: ink" in job.notes
    assert styled.resolve(job.settings.request()).settings.prompt == job.settings.prompt


def test_an_unknown_style_is_an_error_with_the_nearest_name(styled: Mixer) -> None:
    with pytest.raises(RequestError, match="Did you mean ink"):
        styled.resolve("cat", styles=("inc",))


def test_prompt_files_name_styles_in_every_format() -> None:
    toml = '[defaults]\nstyles = ["a"]\n[[jobs]]\nprompt = "cat"\nstyles = "b; c"\n'
    assert read_prompt_text(toml, Path("x.toml")).jobs[0].request.styles == ("a", "b", "c")
    assert read_prompt_text('cat --styles "b;c"', Path("x.txt")).jobs[0].request.styles == ("b", "c")
    assert read_prompt_text("prompt;styles\ncat;a\n", Path("x.csv")).jobs[0].request.styles == ("a",)
