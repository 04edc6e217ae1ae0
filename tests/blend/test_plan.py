"""The plan: which engine, and why."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lora_mixer.adapters import make_layer
from lora_mixer.blend import ApplyPlan, Render, Stack, WeightedAdapter, calibration, costs_of, plan_for
from lora_mixer.blend.costs import TYPICAL, Cost, Costs, merge_work, side_work
from lora_mixer.errors import RequestError
from lora_mixer.mixes import Curve, Rectangle, Strength
from lora_mixer.modules import DENOISER, ModuleName
from tests.support.specs import specs_of

CHEAP_MERGE = Costs(merge=Cost(3e-6, 1e-11, 1e-12), side=Cost(1e-3, 1e-10, 5e-12))
CHEAP_SIDE = Costs(merge=Cost(1e-3, 1e-10, 4e-12), side=Cost(3e-6, 1e-11, 1e-12))
PATHS = ("conv_in", "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k", "up_blocks.1.proj", "mid_block.proj")


def adapter() -> SimpleNamespace:
    layer = make_layer({"up": torch.ones(64, 4), "down": torch.ones(4, 32)}, (64, 32), None)
    names = [ModuleName(DENOISER, path) for path in PATHS]
    return SimpleNamespace(digest="1" * 64, layers=dict.fromkeys(names, layer), modules=specs_of(names))


def stack(strength: Strength) -> Stack:
    return Stack([WeightedAdapter(adapter=adapter(), strength=strength)])


def plan(
    *stacks: Stack, engine: str = "auto", steps: int = 2, costs: Callable[[], Costs] = lambda: CHEAP_MERGE
) -> ApplyPlan:
    return plan_for(stacks, engine=engine, render=Render(steps=steps, rows=2, height=16, width=8), costs=costs)


def never() -> Costs:
    raise AssertionError("nothing hangs on the costs")


LEFT = stack(Strength(mask=Rectangle(left=0, top=0, right=0.5, bottom=1)))
NOWHERE = stack(Strength(mask=Rectangle(left=1, top=0, right=0, bottom=1)))


def test_a_mask_goes_on_the_side_and_the_reason_says_what_happens_to_text() -> None:
    masked = plan(LEFT, costs=never)
    assert masked.engine == "side"
    assert "mask's mean" in masked.reason


def test_a_mask_and_merged_weights_is_a_wish_that_cannot_be_met() -> None:
    with pytest.raises(RequestError, match="mask"):
        plan(LEFT, engine="merged")


def test_a_bad_mask_is_said_before_the_first_step() -> None:
    with pytest.raises(RequestError, match="no part of the picture"):
        plan(NOWHERE)


@pytest.mark.parametrize("engine", ["merged", "side"])
def test_an_engine_that_was_asked_for_is_used(engine: str) -> None:
    assert plan(stack(Strength()), engine=engine, costs=never).engine == engine


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match="merged"):
        plan(stack(Strength()), engine="fused")


@pytest.mark.parametrize(("costs", "engine"), [(CHEAP_MERGE, "merged"), (CHEAP_SIDE, "side")])
def test_one_mix_goes_the_way_that_measured_cheaper_and_the_reason_has_the_numbers(costs: Costs, engine: str) -> None:
    chosen = plan(stack(Strength()), engine="measured", costs=lambda: costs)
    assert chosen.engine == engine
    assert "ms once" in chosen.reason


def test_nothing_is_measured_where_nothing_hangs_on_it() -> None:
    curve = Curve(points=((0.0, 0.0), (1.0, 1.0)))
    assert plan(stack(Strength()), engine="measured", steps=1000, costs=never).engine == "merged"
    assert plan(stack(Strength()), stack(Strength(0.5)), costs=never).engine == "side"
    assert plan(stack(Strength(curve=curve)), costs=never).engine == "side"
    assert plan(stack(Strength(0.0)), costs=never).engine == "merged"


@pytest.mark.parametrize("steps", [1, 2, 4, 8, 1000])
def test_auto_chooses_by_the_mix_and_the_render_alone(steps: int) -> None:
    chosen = plan(stack(Strength()), steps=steps, costs=never)
    assert chosen.engine in {"merged", "side"}
    assert "fixed costs" in chosen.reason


@pytest.mark.parametrize("noise", [0.85, 1.0, 1.15])
def test_a_near_tie_is_merged_however_it_was_measured(noise: float) -> None:
    render = Render(steps=2, rows=2, height=16, width=8)
    merge, side = merge_work(stack(Strength())), side_work(stack(Strength()), render)
    each = 1e-6  # seconds a module, chosen so that both cost the same
    once = Cost(2 * each * side.modules / merge.modules / 0.5, 0, 0)
    costs = Costs(merge=once, side=Cost(noise * each, 0, 0))
    assert plan(stack(Strength()), engine="measured", costs=lambda: costs).engine == "merged"


@pytest.mark.parametrize(
    "odd", [0.0, -1e-12, math.inf, math.nan, 1e-3], ids=["nothing", "negative", "infinite", "no number", "far too much"]
)
@pytest.mark.parametrize("field", Cost._fields)
def test_costs_that_no_machine_has_are_measured_again_and_then_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: float, field: str
) -> None:
    monkeypatch.setenv("LORA_MIXER_CACHE", str(tmp_path))
    monkeypatch.setattr(calibration, "_measured", {})
    value = 1.0 if (odd, field) == (1e-3, "module") else odd
    wrong = TYPICAL._replace(side=TYPICAL.side._replace(**{field: value}))
    right = TYPICAL._replace(merge=Cost(2e-5, 1e-10, 4e-12))
    results = [wrong, right]
    monkeypatch.setattr(calibration, "measure", lambda *_: results.pop(0))
    assert costs_of(torch.device("cpu"), torch.float32) == right
    monkeypatch.setattr(calibration, "_measured", {})
    monkeypatch.setattr(calibration, "measure", lambda *_: wrong)
    assert costs_of(torch.device("cpu"), torch.bfloat16) == TYPICAL


def test_other_programs_do_not_lengthen_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    added = calibration.LowRankKernel.added

    def waiting(*arguments: object) -> object:
        time.sleep(0.02)
        return added(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(calibration.LowRankKernel, "added", waiting)
    costs = calibration.measure(torch.device("cpu"), torch.float32)
    assert costs.side.module < 0.01


def test_work_counts_modules_elements_and_multiplications() -> None:
    mix = stack(Strength())
    assert merge_work(mix) == (4, 4 * 64 * 32, 4 * 64 * 32 * 4)
    places = 2 * (16 * 8 + 77 + 16 * 8 + 8 * 4)  # conv_in, text, up_blocks.1 of two levels, mid
    assert side_work(mix, Render(steps=1, rows=2, height=16, width=8)) == (4, places * 64, places * (64 + 32) * 4)


def test_costs_are_measured_once_and_kept_in_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORA_MIXER_CACHE", str(tmp_path / "cache"))
    first = costs_of(torch.device("cpu"), torch.float32)
    assert min(first.merge.module, first.side.module) > 0
    assert len(json.loads((tmp_path / "cache" / "costs.json").read_text())) == 1
    monkeypatch.setattr(calibration, "_measured", {})
    monkeypatch.setattr(calibration, "measure", lambda *_: never())
    assert costs_of(torch.device("cpu"), torch.float32) == first


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"a": 1}', '{"a": {"merge": {}}}'])
def test_a_damaged_file_of_costs_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("LORA_MIXER_CACHE", str(tmp_path))
    monkeypatch.setattr(calibration, "_measured", {})
    monkeypatch.setattr(calibration, "measure", lambda *_: CHEAP_SIDE)
    (tmp_path / "costs.json").write_text(content)
    assert costs_of(torch.device("cpu"), torch.float32) == CHEAP_SIDE
    assert len(json.loads((tmp_path / "costs.json").read_text())) == 1


def test_without_a_folder_that_can_be_written_costs_hold_for_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LORA_MIXER_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(calibration, "_measured", {})
    monkeypatch.setattr(calibration, "measure", lambda *_: CHEAP_SIDE)
    assert costs_of(torch.device("cpu"), torch.float32) == CHEAP_SIDE
    monkeypatch.setattr(calibration, "measure", lambda *_: never())
    assert costs_of(torch.device("cpu"), torch.float32) == CHEAP_SIDE
