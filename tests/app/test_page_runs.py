"""A run of the page is a run like any other: its ledger, its pixels, its resume, from the page and from the command line."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lora_mixer import Cancel, Mixer, RenderRequest
from lora_mixer.errors import BrokenFileError, ConfigError, RequestError
from lora_mixer.ledger import Ledger
from lora_mixer.ledger.lock import hold
from lora_mixer.runs.origin import RunOrigin
from lora_mixer.runs.run import RunOptions, run
from lora_mixer.workers.inline import InlineExecutor
from lora_mixer_app.cli import build
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs.run_folders import PageRun, begin_run, earlier_run, earlier_runs
from lora_mixer_app.web.tabs.runs import render_run, state_of
from lora_mixer_app.web.tabs.sheet_plan import AxisChoice, plan_sheet

BASE = RenderRequest("red heart", seed=5, steps=1, width=64, height=64)
CHOICES = (
    AxisChoice(kind="strength", lora="line_art", values="0, 1"),
    AxisChoice(kind="seed", values="1, 2, 3"),
    AxisChoice(),
)
TOTAL = 6


@pytest.fixture
def state(mixer: Mixer, tmp_path: Path) -> AppState:
    return AppState(mixer, tmp_path / "desk")


def begun(state: AppState, owner: str = "") -> PageRun:
    return begin_run(state, plan_sheet(BASE, CHOICES, without=True), kind="sheet", model="emoji", owner=owner)


def stopped(state: AppState) -> PageRun:
    """Return a run that was cancelled after its first batch."""
    wanted, cancel = begun(state), Cancel()
    for done in render_run(state, wanted, cancel=cancel, batch=2):
        if done.pictures:
            cancel.press()
    return wanted


def pictures(folder: Path) -> list[bytes]:
    found = []
    for path in sorted((folder / "images").glob("*.png")):
        with Image.open(path) as image:
            found.append(np.asarray(image).tobytes())
    return found


def records(folder: Path) -> list[object]:
    ledger = Ledger.read(folder)
    return [replace(ledger.entries[index].record, seconds=0.0) for index in sorted(ledger.entries)]


@pytest.fixture(scope="module")
def by_the_library(mixer: Mixer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sheet as a run without the page."""
    folder = tmp_path_factory.mktemp("library")
    plan = plan_sheet(replace(BASE, model="emoji"), CHOICES, without=True)
    run(plan, folder, InlineExecutor(lambda: mixer), options=RunOptions(batch=2))
    return folder


def test_pictures_and_records_are_those_of_a_run_without_the_page(state: AppState, by_the_library: Path) -> None:
    wanted = begun(state)
    *_, end = render_run(state, wanted, cancel=Cancel(), batch=2)
    assert wanted.folder.name == "0001-sheet"
    assert pictures(wanted.folder) == pictures(by_the_library)
    assert records(wanted.folder) == records(by_the_library)
    assert end.pictures == {index: wanted.folder / "images" / f"{index:04}.png" for index in range(TOTAL)}
    assert [path.name for path in end.sheets] == ["grid.png"]
    assert state.queue.ahead() == 0


def test_each_request_is_resolved_once(state: AppState, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: Counter[object] = Counter()
    resolve = state.mixer.resolve

    def counting(request: RenderRequest) -> object:
        counted[request.seed, len(request.loras)] += 1
        return resolve(request)

    monkeypatch.setattr(state.mixer, "resolve", counting)
    list(render_run(state, begun(state), cancel=Cancel(), batch=2))
    assert counted == {(seed, loras): 1 for seed in (1, 2, 3) for loras in (1,)} | counted
    assert sum(counted.values()) == TOTAL


def test_a_run_that_was_stopped_goes_on_after_the_server_was_started_again(
    state: AppState, mixer: Mixer, by_the_library: Path
) -> None:
    wanted = stopped(state)
    before = {path: path.stat().st_mtime_ns for path in (wanted.folder / "images").glob("*.png")}
    assert 0 < len(before) < TOTAL
    assert state_of(wanted).sheets == (wanted.folder / "grid.png",)
    later = AppState(mixer, state.folder.parent)
    assert earlier_runs(later, kind="sheet") == [(f"0001-sheet ({len(before)}/{TOTAL})", "0001-sheet")]
    found = earlier_run(later, "0001-sheet", kind="sheet")
    assert (found.plan.jobs, found.plan.sheet) == (wanted.plan.jobs, wanted.plan.sheet)
    seen = state_of(found)
    assert set(seen.pictures.values()) == set(before)
    *_, end = render_run(later, found, cancel=Cancel())
    assert len(end.pictures) == TOTAL
    assert end.before == pytest.approx(len(before) / TOTAL), "what was there already tells nothing of what is left"
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert pictures(found.folder) == pictures(by_the_library)


def test_a_folder_as_a_kill_left_it_goes_on(
    state: AppState, mixer: Mixer, by_the_library: Path, tmp_path: Path
) -> None:
    """What lies there in the middle of a run is what a kill would leave."""
    wanted = begun(state)
    left = AppState(mixer, tmp_path / "left")
    for done in render_run(state, wanted, cancel=Cancel(), batch=1):
        if done.pictures and not (left.folder / "0001-sheet").exists():
            shutil.copytree(wanted.folder, left.folder / "0001-sheet", ignore=shutil.ignore_patterns(".lock"))
    found = earlier_run(left, "0001-sheet", kind="sheet")
    *_, end = render_run(left, found, cancel=Cancel())
    assert len(end.pictures) == TOTAL
    assert sorted(Ledger.read(found.folder).entries) == list(range(TOTAL))


def test_before_anything_was_planned_a_run_can_be_seen_and_gone_on_with(state: AppState) -> None:
    begun(state)
    found = earlier_run(state, "0001-sheet", kind="sheet")
    assert state_of(found).pictures == {}
    assert earlier_runs(state, kind="sheet") == [(f"0001-sheet (0/{TOTAL})", "0001-sheet")]


def test_the_command_line_goes_on_with_a_run_of_the_page_and_draws_its_sheet(
    state: AppState, by_the_library: Path
) -> None:
    wanted = stopped(state)
    made = len(Ledger.read(wanted.folder).entries)
    done = CliRunner().invoke(build(), ["render", str(wanted.folder), "--resume", "--dtype", "float32"])
    assert done.exit_code == 0, done.output
    assert f"{TOTAL - made} pictures in" in done.output
    assert pictures(wanted.folder) == pictures(by_the_library)
    drawn = CliRunner().invoke(build(), ["sheet", str(wanted.folder), "--columns", "seed"])
    assert drawn.exit_code == 0, drawn.output


def test_between_two_batches_others_have_their_turns(state: AppState) -> None:
    wanted, made = begun(state), [TOTAL]
    for done in render_run(state, wanted, cancel=Cancel(), caller="long", batch=1):
        if done.pictures and len(made) == 1:
            with state.queue.take(Cancel(), caller="short"):
                made.append(len(list((wanted.folder / "images").glob("[0-9]*.png"))))
    assert 0 < made[-1] < TOTAL


def test_each_sees_their_own_runs_only_by_name_and_by_tab(state: AppState) -> None:
    begun(state, owner="ada")
    assert earlier_runs(state, kind="sheet", owner="ada")
    assert not earlier_runs(state, kind="sheet", owner="bo")
    assert not earlier_runs(state, kind="sheet")
    assert not earlier_runs(state, kind="batch", owner="ada")
    for name in ("0001-sheet", "../@ada/0001-sheet", None):
        with pytest.raises(RequestError):
            earlier_run(state, name, kind="sheet", owner="bo")


def test_a_run_that_is_under_way_elsewhere_is_left_alone(state: AppState) -> None:
    wanted = begun(state)
    with hold(wanted.folder, print), pytest.raises(ConfigError):
        list(render_run(state, wanted, cancel=Cancel()))
    assert state.queue.ahead() == 0


def test_a_damaged_or_lying_beginning_is_told_and_never_leads_elsewhere(state: AppState, tmp_path: Path) -> None:
    wanted = begun(state)
    (tmp_path / "secret.toml").write_text('[[jobs]]\nprompt = "secret"')
    for text in (
        '{"source":"../../../secret.toml"}',
        '{"source":3}',
        "{",
        '{"source":"a.toml","check":"0123456789abcdef"}',
    ):
        (wanted.folder / "run.json").write_text(text)
        with pytest.raises(BrokenFileError) as told:
            RunOrigin.read(wanted.folder)
        assert told.value.remedy
    assert not earlier_runs(state, kind="sheet")
