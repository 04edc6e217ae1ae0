"""The prompt file tab: the dry run names every line that will not be done as written."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer import Cancel, Mixer
from lora_mixer.errors import ConfigError
from lora_mixer.runs.origin import on_model
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs import prompt_file
from lora_mixer_app.web.tabs.dry_run import check_jobs
from lora_mixer_app.web.tabs.prompt_file import read_text, remarks_of, rows_of
from lora_mixer_app.web.tabs.run_folders import begin_run
from lora_mixer_app.web.tabs.runs import render_run

MIXED = """red heart <lora:line_art:0.5>
--prompt "cat" --steps 2 --seed 9 --tiling true
sun <lora:line_arf:1>
star --stepz 4
"""


def test_the_dry_run_says_of_every_line_what_becomes_of_it(mixer: Mixer) -> None:
    plan = read_text(MIXED, ".txt")
    check = check_jobs(mixer, plan)
    rows = rows_of(plan, check)
    assert [row[0] for row in rows] == ["1", "2", "2", "3", "4"]
    assert rows[0][-1] == ""
    assert rows[0][3] == "line_art 0.5"
    assert rows[1][4:6] == ["9", "2"]
    assert rows[2][-1].startswith("! --tiling has no effect")
    assert rows[3][-1].startswith("✗")
    assert "line_art" in rows[3][-1], "the nearest name is told"
    assert "unknown option --stepz" in rows[4][-1]
    assert list(check.failed) == [2]


def test_a_line_that_cannot_be_rendered_leaves_the_others_alone(mixer: Mixer, tmp_path: Path) -> None:
    state = AppState(mixer, tmp_path)
    plan = read_text("cat --steps 1 --seed 1\nsun <lora:nobody:1> --steps 1\nstar --steps 1 --seed 2", ".txt")
    wanted = begin_run(state, plan, kind="batch", model=state.first.name)
    *_, end = render_run(state, wanted, cancel=Cancel())
    assert sorted(end.pictures) == [0, 2]
    assert "nobody" in end.failed[1]
    assert end.sheets


def test_an_uploaded_file_may_not_name_paths_outside(embedded: Path, tmp_path: Path) -> None:
    stranger = Mixer.open("emoji", dtype="float32", paths=False)
    outside = tmp_path / "mine.safetensors"
    outside.write_bytes((embedded / "loras" / "line_art.safetensors").read_bytes())
    text = (
        f'[[jobs]]\nprompt = "cat"\nloras = [{{ name = "{outside}" }}]\n[[jobs]]\nprompt = "cat"\nmodel = "{tmp_path}"'
    )
    check = check_jobs(stranger, read_text(text, ".toml"))
    assert list(check.failed) == [0, 1]


def test_pictures_are_made_with_the_tabs_model_unless_they_name_their_own() -> None:
    plan = on_model(read_text("cat\nsun --sd_model other", ".txt"), "mine")
    assert [job.request.model for job in plan.jobs] == ["mine", "other"]


def test_remarks_stand_at_their_lines(mixer: Mixer) -> None:
    plan = read_text(MIXED, ".txt")
    remarks = remarks_of(plan, check_jobs(mixer, plan))
    assert [(remark["line"], remark["failed"]) for remark in remarks] == [(2, False), (3, True), (4, True)]
    assert "line_art" in remarks[1]["what"], "the nearest name is told"
    with pytest.raises(ConfigError) as caught:
        read_text("[[jobs]]\nprompt = 3", ".toml")
    assert prompt_file.remark_of(caught.value)["line"] == 2


def test_a_file_of_too_many_pictures_is_sent_to_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_file, "MOST_PICTURES", 3)
    with pytest.raises(ConfigError, match="lora-mixer render"):
        read_text("cat --n_iter 4", ".txt")
