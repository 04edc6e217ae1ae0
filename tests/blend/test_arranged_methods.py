"""Methods that arrange a mix before it lies on weights: turns over the steps, rows of a batch. Their laws and equations."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer.blend import BLENDS, Scene, StackRow, WeightedAdapter, stacks_of
from lora_mixer.blend.turns import turns
from lora_mixer.choices import SUM, find_method
from lora_mixer.errors import RequestError
from lora_mixer.mixes import Curve, Strength
from lora_mixer.modules import DENOISER, ModuleName

NAME = ModuleName(DENOISER, "mid_block.module")
ARRANGED = [row.name for row in BLENDS if row.arrange is not None and row.name != "ssr"]
EVERY = pytest.mark.parametrize("method", ARRANGED)


def adapter(number: int) -> Any:
    return SimpleNamespace(name=f"a{number}", digest=f"{number:064x}", layers={NAME: None}, modules={})


def placed(*pairs: tuple[int, Strength]) -> list[WeightedAdapter]:
    return [WeightedAdapter(adapter=adapter(number), strength=strength) for number, strength in pairs]


def rows(method: str, mix: list[WeightedAdapter], *, steps: int = 12, weights: dict[int, float] | None = None) -> Any:
    def shares(adapters: Any) -> list[float]:
        return [(weights or {}).get(int(one.digest, 16), 1.0) for one in adapters]

    chosen = find_method(method)
    scene = Scene(numbers=chosen.numbers, steps=steps, without=shares, alike=shares, route=lambda adapters: adapters)
    return stacks_of(chosen, mix, scene)


def plain(found: tuple[StackRow, ...]) -> list[Any]:
    return sorted((row.weight, row.stack.key) for row in found)


def acting(found: tuple[StackRow, ...], steps: int) -> list[list[int]]:
    """Return which adapters act at each step, of a mix of one row."""
    (row,) = found
    return [
        [
            int(one.adapter.digest, 16)
            for one in row.stack.placed
            if one.strength.curve is None or one.strength.curve.at(step / max(steps - 1, 1))
        ]
        for step in range(steps)
    ]


@EVERY
@given(strength=st.floats(-2, 2), method_of_off=st.sampled_from([Strength(0.0), Strength(0.0, text=0.0)]))
@settings(max_examples=20, deadline=None)
def test_one_lora_alone_is_that_lora_and_strength_0_is_off(
    method: str, strength: float, method_of_off: Strength
) -> None:
    alone = placed((1, Strength(strength)))
    if strength:
        assert plain(rows(method, alone)) == plain(rows("sum", alone))
        assert plain(rows(method, [*alone, *placed((2, method_of_off))])) == plain(rows("sum", alone))
    taken_back = placed((1, Strength(strength)), (2, Strength(0.5)), (2, Strength(-0.5)))
    assert all(one.adapter.digest == f"{1:064x}" for row in rows(method, taken_back) for one in row.stack.placed)


@EVERY
@given(strengths=st.lists(st.floats(0.1, 2), min_size=3, max_size=3), shares=st.lists(st.floats(0.05, 2), min_size=3))
@settings(max_examples=20, deadline=None)
def test_order_changes_nothing_and_weights_add_up_to_one(
    method: str, strengths: list[float], shares: list[float]
) -> None:
    mix = placed(*((number, Strength(value)) for number, value in enumerate(strengths, start=1)))
    weights = dict(enumerate(shares, start=1))
    found = [rows(method, list(order), weights=weights) for order in permutations(mix)]
    assert all(plain(other) == plain(found[0]) for other in found)
    assert sum(row.weight for row in found[0]) == pytest.approx(1)
    assert all(row.stack.method == SUM for row in found[0])
    seen = {one.adapter.digest for row in found[0] for one in row.stack.placed}
    assert len(seen) == 3


@given(
    shares=st.lists(st.floats(0.05, 2), min_size=1, max_size=5),
    more=st.integers(0, 40),
    every=st.integers(1, 12),
    last=st.integers(0, 9),
)
@settings(max_examples=100, deadline=None)
def test_everybody_has_a_turn(shares: list[float], more: int, every: int, last: int) -> None:
    steps = len(shares) + more
    whose = turns(shares, steps, every, last)
    assert len(whose) == steps
    assert set(whose) == set(range(len(shares)))


def test_switch_is_the_papers_schedule() -> None:
    mix = placed((1, Strength(0.8)), (2, Strength(0.6)), (3, Strength(0.4)))
    found = rows("switch:every=2", mix, steps=14)
    assert acting(found, 14) == [[(t - 1) % 6 // 2 + 1] for t in range(1, 15)]  # section 3.2, k = 3, tau = 2
    assert [one.strength.denoiser for one in found[0].stack.placed] == [0.8, 0.6, 0.4]


def test_w_switch_makes_turns_as_long_as_words_weigh_and_gives_the_last_steps_to_the_largest() -> None:
    mix = placed((1, Strength()), (2, Strength()))
    found = rows("w_switch:every=4,last=3", mix, steps=12, weights={1: 0.25, 2: 0.5})
    assert acting(found, 12) == [[1]] * 2 + [[2]] * 4 + [[1]] * 2 + [[2]] * 4
    assert acting(rows("w-switch:every=5", mix, steps=3, weights={1: 0.05, 2: 1}), 3) == [[1], [2], [2]]


def test_a_turn_keeps_the_loras_own_curve() -> None:
    mix = placed((1, Strength(curve=Curve(points=((0.0, 0.0), (1.0, 1.0))))), (2, Strength()))
    (row,) = rows("switch:every=1", mix, steps=5)
    first = row.stack.placed[0].strength.curve
    assert [first.at(step / 4) for step in range(5)] == [0.0, 0.0, 0.5, 0.0, 1.0]


def test_composite_has_a_row_a_lora_and_w_composite_weighs_them() -> None:
    mix = placed((1, Strength(0.5)), (2, Strength(0.6)), (2, Strength(0.2)))
    found = rows("composite", mix)
    assert [(row.weight, len(row.stack)) for row in found] == [(0.5, 1), (0.5, 2)]
    assert [row.weight for row in rows("w_composite", mix, weights={1: 0.2, 2: 0.6})] == pytest.approx([0.25, 0.75])


def test_too_few_steps_for_everybody_are_refused_with_a_remedy_that_works() -> None:
    mix = placed((1, Strength()), (2, Strength()), (3, Strength()))
    with pytest.raises(RequestError, match=r"3 LoRAs cannot take turns over 2 steps.*3 steps or more"):
        rows("switch", mix, steps=2)
    assert acting(rows("switch", mix, steps=3), 3) == [[1], [2], [3]]


def test_a_count_has_no_fractions() -> None:
    with pytest.raises(RequestError, match="whole number"):
        find_method("switch:every=1.5")
