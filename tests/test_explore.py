"""Surprises by seed, and a search that finds what a made-up taste likes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.errors import BrokenFileError, RequestError
from lora_mixer.explore import Pick, StrengthRange, limits_of, propose, read_picks, surprise
from lora_mixer.mixes import Mix

LIMITS = limits_of({"ink": (0, 1), "sepia": (-1, 1), "hat": (0, 0.5)})


def strengths(mix: Mix) -> dict[str, float]:
    return {use.name: use.strength.denoiser for use in mix.uses}


@given(seed=st.integers(0, 2**40), most=st.integers(1, 5))
def test_a_surprise_is_within_limits_and_the_same_for_a_seed(seed: int, most: int) -> None:
    mix = surprise(LIMITS, seed, most=most)
    assert 1 <= len(mix.uses) <= min(most, 3)
    assert all(LIMITS[name].low <= value <= LIMITS[name].high for name, value in strengths(mix).items())
    assert mix == surprise(dict(reversed(LIMITS.items())), seed, most=most)


def test_limits_that_are_none_are_refused() -> None:
    for wrong in ({}, {"ink": (1, 0)}, {"ink": (0,)}, {"ink": (0, math.inf)}):
        with pytest.raises(RequestError, match=r"line_art=0\.\.1"):
            limits_of(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_search_finds_what_a_taste_likes(seed: int) -> None:
    limits, liked = {"ink": StrengthRange(0, 1), "sepia": StrengthRange(0, 1)}, {"ink": 0.7, "sepia": 0.2}

    def distance(mix: Mix) -> float:
        return math.dist([strengths(mix)[name] for name in liked], liked.values())

    picks: list[Pick] = []
    for _ in range(14):
        left, right = sorted(propose(limits, picks, seed), key=distance)
        picks.append(Pick(picked=strengths(left), other=strengths(right)))
    best, _ = propose(limits, picks, seed)
    assert distance(best) < 0.2


def test_the_same_picks_propose_the_same_and_two_that_differ() -> None:
    picks = [Pick(picked={"ink": 0.5, "sepia": 0.1, "hat": 0.0}, other={"ink": 0.1})]
    first, second = propose(LIMITS, picks, 5)
    assert (first, second) == propose(LIMITS, picks, 5)
    assert strengths(first) == {"hat": 0.0, "ink": 0.5, "sepia": 0.1}
    assert first != second


def test_picks_are_read_back_and_a_broken_line_is_named() -> None:
    pick = Pick(picked={"ink": 0.5}, other={"ink": 0.1})
    assert read_picks([pick.to_json(), "", pick.to_json()], where="picks.jsonl") == (pick, pick)
    with pytest.raises(BrokenFileError, match=r"picks\.jsonl:2"):
        read_picks([pick.to_json(), '{"picked": 3}'], where="picks.jsonl")
