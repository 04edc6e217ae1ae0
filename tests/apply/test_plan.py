"""The plan: which engine, and why."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lora_mixer.apply import Placed, Stack, plan_for
from lora_mixer.errors import RequestError
from lora_mixer.modules import Family
from lora_mixer.request import Rectangle, Strength


def stack(strength: Strength) -> Stack:
    return Stack([Placed(adapter=SimpleNamespace(digest="1" * 64, layers={}), strength=strength)], family=Family.SD1)


LEFT = stack(Strength(mask=Rectangle(left=0, top=0, right=0.5, bottom=1)))
NOWHERE = stack(Strength(mask=Rectangle(left=1, top=0, right=0, bottom=1)))


def test_a_mask_goes_on_the_side_and_the_reason_says_what_happens_to_text() -> None:
    plan = plan_for([LEFT])
    assert plan.engine == "side"
    assert "mask's mean" in plan.reason


def test_a_mask_and_merged_weights_is_a_wish_that_cannot_be_met() -> None:
    with pytest.raises(RequestError, match="mask"):
        plan_for([LEFT], engine="merged")


def test_a_bad_mask_is_said_before_the_first_step() -> None:
    with pytest.raises(RequestError, match="no part of the picture"):
        plan_for([NOWHERE])


@pytest.mark.parametrize("engine", ["merged", "side"])
def test_an_engine_that_was_asked_for_is_used(engine: str) -> None:
    assert plan_for([stack(Strength())], engine=engine).engine == engine


def test_an_unknown_engine_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match="merged"):
        plan_for([stack(Strength())], engine="fused")
