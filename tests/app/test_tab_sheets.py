"""The sheet tab: choices become a plan, a plan becomes cells, a sheet and a zip."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from lora_mixer import Cancel, LoraUse, Region, Strength
from lora_mixer.errors import ConfigError
from lora_mixer.images import read_picture
from lora_mixer.request import RenderRequest
from lora_mixer_app.web.misplaced import WrongField
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs.dry_run import check_jobs
from lora_mixer_app.web.tabs.run_folders import PageRun, begin_run
from lora_mixer_app.web.tabs.runner import cells_of
from lora_mixer_app.web.tabs.runs import Pace, RunState, render_run
from lora_mixer_app.web.tabs.sheet_plan import MOST_CELLS, AxisChoice, plan_sheet, words
from tests.support.people import person

NOTHING = AxisChoice()
BASE = RenderRequest(prompt="red heart", seed=5, steps=1, cfg=3.0)


def strength(values: str, lora: str = "line_art") -> AxisChoice:
    return AxisChoice(kind="strength", lora=lora, values=values)


def test_a_lora_axis_begins_without_the_lora_unless_it_is_switched_off() -> None:
    plan = plan_sheet(BASE, [strength("0.5-1 [2]"), NOTHING, NOTHING], without=True)
    assert plan.sheet.columns == ("no line_art", "line_art 0.5", "line_art 1")
    plan = plan_sheet(BASE, [strength("0.5-1 [2]"), NOTHING, NOTHING], without=False)
    assert plan.sheet.columns == ("line_art 0.5", "line_art 1")


def test_three_axes_are_blocks_of_rows() -> None:
    choices = [
        strength("0,1"),
        AxisChoice(kind="seed", values="1..2"),
        AxisChoice(kind="replace", values="red, blue"),
    ]
    plan = plan_sheet(BASE, choices, without=True)
    assert plan.sheet.rows == ("red, seed 1", "red, seed 2", "blue, seed 1", "blue, seed 2")
    assert [job.request.prompt for job in plan.jobs] == ["red heart"] * 4 + ["blue heart"] * 4
    assert [job.request.seed for job in plan.jobs] == [1, 1, 2, 2] * 2


def test_an_axis_sets_the_strength_whatever_the_prompt_says_of_that_lora() -> None:
    base = RenderRequest(prompt="red <lora:line_art:0.3> heart <lora:sepia:1>", seed=1)
    plan = plan_sheet(base, [strength("0, 1"), NOTHING, NOTHING], without=True)
    asked = [job.request.prompt for job in plan.jobs]
    assert asked == ["red <lora:line_art:0> heart <lora:sepia:1>", "red <lora:line_art:1> heart <lora:sepia:1>"]


def test_an_axis_changes_a_lora_in_its_region() -> None:
    region = Region("cat", mask=(0, 0, 0.5, 1), loras={"line_art": 0.8})
    plan = plan_sheet(replace(BASE, regions=(region,)), [strength("0.5"), NOTHING, NOTHING], without=False)
    (job,) = plan.jobs
    assert (job.request.loras, job.request.regions[0].loras) == ((), (LoraUse("line_art", Strength(0.5)),))


def test_the_third_axis_alone_makes_the_columns() -> None:
    plan = plan_sheet(BASE, [NOTHING, NOTHING, AxisChoice(kind="cfg", values="1, 3")], without=True)
    assert plan.sheet.columns == ("cfg 1", "cfg 3")


def test_places_are_called_by_the_pages_names_in_chinese_and_words_and_loras_stay(tmp_path: Path) -> None:
    rows = AxisChoice(kind="steps", values="1, 2")
    words = AxisChoice(kind="replace", values="red, no red")
    plan = plan_sheet(BASE, [strength("0.5", lora="no_sky"), rows, words], without=True)
    done = RunState(run=PageRun(plan=plan, folder=tmp_path))
    seen = cells_of(done, person("zh", **{"accept-language": "zh-CN"}))
    assert seen["columns"] == ["无 no_sky", "no_sky 0.5"]
    assert [block["name"] for block in seen["blocks"]] == ["red", "no red"]
    assert seen["rows"] == ["步数 1", "步数 2"] * 2
    assert seen["cells"][-1]["title"] == "no_sky 0.5，no red，步数 2"  # noqa: RUF001
    assert cells_of(done, person("en"))["columns"] == ["no no_sky", "no_sky 0.5"]
    compared = plan_sheet(BASE, [AxisChoice(kind="loras", values="sepia, ink"), NOTHING, NOTHING], without=True)
    done = RunState(run=PageRun(plan=compared, folder=tmp_path))
    assert cells_of(done, person("zh", **{"accept-language": "zh-CN"}))["columns"] == ["无 LoRA", "sepia 1", "ink 1"]


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ([NOTHING] * 3, "nothing varies"),
        ([AxisChoice(kind="strength", values="1"), NOTHING, NOTHING], "no LoRA is chosen"),
        ([strength("x"), NOTHING, NOTHING], "'x' is no number"),
        ([AxisChoice(kind="seed", values="0.5"), NOTHING, NOTHING], "not a whole number"),
        ([AxisChoice(kind="prompt", values=" "), NOTHING, NOTHING], "no values"),
        ([AxisChoice(kind="seed", values="1..30"), AxisChoice(kind="cfg", values="1..30"), NOTHING], "900 pictures"),
    ],
)
def test_what_makes_no_sheet_is_said_with_the_remedy(choices: list[AxisChoice], said: str) -> None:
    with pytest.raises((ConfigError, WrongField)) as caught:
        plan_sheet(BASE, choices, without=True)
    error = caught.value.error if isinstance(caught.value, WrongField) else caught.value
    assert said in str(error)
    assert error.remedy
    assert isinstance(caught.value, WrongField) == (said not in {"nothing varies", "900 pictures"})
    assert MOST_CELLS < 900


def test_words_are_parted_by_commas_or_by_lines() -> None:
    assert words('cat, "dog, sitting", 猫') == ("cat", "dog, sitting", "猫")
    assert words("a cat, sitting\n\n a dog ") == ("a cat, sitting", "a dog")


def test_a_name_there_is_none_of_is_refused_before_there_is_a_folder() -> None:
    with pytest.raises(WrongField, match="Oiler") as caught:
        plan_sheet(BASE, [NOTHING, AxisChoice(kind="sampler", values="Euler, Oiler"), NOTHING], without=True)
    assert caught.value.field == "rows"


@pytest.fixture
def state(mixer, tmp_path: Path) -> AppState:
    return AppState(mixer, tmp_path)


def sheet(state: AppState, *choices: AxisChoice) -> PageRun:
    plan = plan_sheet(BASE, [*choices, *[NOTHING] * (3 - len(choices))], without=True)
    return begin_run(state, plan, kind="sheet", model=state.first.name)


def test_cells_come_as_they_finish_and_hold_their_settings(state: AppState) -> None:
    wanted = sheet(state, strength("0, 1"), AxisChoice(kind="steps", values="1, 2"))
    shown = list(render_run(state, wanted, cancel=Cancel(), batch=2, ending=".webp"))
    seen, end = [len(done.pictures) for done in shown], shown[-1]
    assert seen == sorted(seen)
    assert seen[-1] == 4
    request = read_picture(end.pictures[3]).request
    assert (request.steps, request.seed, [(u.name, u.strength.denoiser) for u in request.loras]) == (
        2,
        5,
        [("line_art", 1)],
    )
    with Image.open(end.sheets[0]) as page:
        assert page.format == "WEBP"
    with zipfile.ZipFile(end.archive) as archive:
        assert sorted(archive.namelist()) == ["0000.webp", "0001.webp", "0002.webp", "0003.webp", "grid.webp"]
        (wanted.folder / "0003.webp").write_bytes(archive.read("0003.webp"))
    assert read_picture(wanted.folder / "0003.webp").request == request


def test_what_can_share_a_batch_is_rendered_together_wherever_it_stands(state: AppState) -> None:
    *_, end = render_run(
        state, sheet(state, AxisChoice(kind="steps", values="1, 2"), strength("0, 1")), cancel=Cancel()
    )
    records = [read_picture(end.pictures[place]).record for place in range(4)]
    assert [(record.settings.steps, record.batch_size) for record in records] == [(1, 2), (2, 2), (1, 2), (2, 2)]


def test_the_pace_of_a_run_tells_how_long_the_next_takes(state: AppState) -> None:
    run = sheet(state, AxisChoice(kind="seed", values="1, 2"))
    pace, work = Pace(), check_jobs(state.mixer, run.plan).work
    assert work == 2 * 1 * 128 * 128
    assert pace.seconds(work) is None
    pace.learn(RunState(run=run, seconds=1.0, work=work))
    assert pace.seconds(work) is None, "a run that is not over tells nothing"
    pace.learn(RunState(run=run, seconds=3.0, work=work, over=True))
    assert pace.seconds(2 * work) == 6.0
    pace.learn(RunState(run=run, seconds=1.0, over=True))
    assert pace.seconds(2 * work) == 6.0, "nor does one whose pictures were all there"
