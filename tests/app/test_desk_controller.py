"""The desk reads a prompt as the model of its own tab does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from lora_mixer import Mixer, RenderRequest
from lora_mixer_app.web.desk.controller import DeskController, turned
from lora_mixer_app.web.state import AppState
from tests.support.people import person

MODELS = """
default = "emoji"
max_models = 2

[models.emoji]
location = "builtin:emoji"
dtype = "float32"

[models.old]
location = "builtin:emoji"
dtype = "float32"

[models.old.defaults]
grammar = "a1111"
"""
# A1111 takes a tag out of a schedule and keeps it for the whole picture; here it belongs to the schedule.
SCHEDULED_TAG = "heart [<lora:line_art:1>:10]"


def test_two_tabs_with_two_models_read_one_prompt_by_two_grammars(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(MODELS)
    state = AppState(Mixer.open(models_file=tmp_path / "models.toml"), tmp_path / "studio")
    nothing = cast("Any", object())
    controller = DeskController(state=state, fields=nothing, panel=nothing, redraw=nothing, live=nothing)
    ours, theirs = (person(tab) for tab in ("ours", "theirs"))
    state.choose_model(theirs, "old")
    for tab in (ours, theirs):
        controller.typed(tab, SCHEDULED_TAG)
    assert [len(state.session(tab).strips) for tab in (ours, theirs)] == [0, 1]


def test_a_knob_is_heard_before_its_answer_is_shown(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(MODELS)
    state = AppState(Mixer.open(models_file=tmp_path / "models.toml"), tmp_path / "studio")
    text = "heart <lora:sepia:1> <lora:line_art:1>"
    fields = cast("Any", SimpleNamespace(request=lambda _: RenderRequest(prompt=text), prompt="prompt"))
    part = cast("Any", object())
    controller = DeskController(state=state, fields=fields, panel=part, redraw=part, live=part)
    tab = person("tab")
    controller.typed(tab, text)
    first = state.session(tab).strips[0]
    answer = next(controller.changed(tab, turned(first.number, solo=True), [False, ""], also={part: "also"}))
    assert [strip.solo for strip in state.session(tab).strips] == [True, False]
    assert answer[part] == "also"
