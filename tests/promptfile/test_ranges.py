"""Ranges mean the same wherever they are written."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.errors import ConfigError
from lora_mixer.promptfile.ranges import MAX_POINTS, numbers, whole_numbers
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.request import MAX_SEED


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0..1:5", (0, 0.25, 0.5, 0.75, 1)),
        ("0-1 [5]", (0, 0.25, 0.5, 0.75, 1)),
        ("0-1[5]", (0, 0.25, 0.5, 0.75, 1)),
        ("0-1 (+0.25)", (0, 0.25, 0.5, 0.75, 1)),
        ("0..1 (0.25)", (0, 0.25, 0.5, 0.75, 1)),
        ("1-0 (-0.5)", (1, 0.5, 0)),
        ("1-5", (1, 2, 3, 4, 5)),
        ("1-5 (+2)", (1, 3, 5)),
        ("5-1", (5, 4, 3, 2, 1)),
        ("-1..1:3", (-1, 0, 1)),
        ("-1-1 [3]", (-1, 0, 1)),
        ("-2--1 (+0.5)", (-2, -1.5, -1)),
        ("-2..-1:3", (-2, -1.5, -1)),
        ("-0.5", (-0.5,)),
        ("+.5, 1.", (0.5, 1)),
        ("1e-1", (0.1,)),
        ("0,0.5,1", (0, 0.5, 1)),
        ("0，0.5", (0, 0.5)),  # noqa: RUF001 the comma that a Chinese keyboard writes
        ("0, 2-3, 7", (0, 2, 3, 7)),
        ("0..1:1", (0,)),
        ("0-0.3 (+0.1)", (0, 0.1, 0.2, 0.3)),
        ("0..1:4", (0, 0.333333, 0.666667, 1)),
    ],
)
def test_ranges_mean_what_a1111_and_we_write(text, values):
    assert numbers(text) == values


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "0..", "..1", "0..1:0", "0..1:999999999999", "0..1:", "0-1 []", "1-5 (+0)", "nan", "inf", "0-1e9"),
        *("0-999999 (+0.001)", "1,,2", "1e999999", f"1{'0' * 99}", f"0..1:{'9' * 9999}", "1;2", "0..1:5:6"),
    ],
)
def test_ranges_that_mean_nothing_are_refused_with_what_to_write(text):
    with pytest.raises(ConfigError) as caught:
        numbers(text)
    assert caught.value.remedy


def test_too_many_values_are_refused_however_they_are_spelled():
    for text in (f"0..1:{MAX_POINTS + 1}", f"0..{MAX_POINTS}", ",".join("1" * (MAX_POINTS + 1))):
        with pytest.raises(ConfigError, match=r"more than 1000 values|a range of"):
            numbers(text)


@given(low=st.integers(-50, 50), high=st.integers(-50, 50), count=st.integers(2, 40))
def test_every_spelling_of_a_range_gives_its_ends_and_its_count(low, high, count):
    values = numbers(f"{low}..{high}:{count}")
    assert values == numbers(f"{low}-{high} [{count}]")
    assert (values[0], values[-1], len(values)) == (low, high, count)
    assert numbers(f"{low}..{high}") == numbers(f"{low}-{high} (+1)")
    assert len(numbers(f"{low}..{high}")) == abs(high - low) + 1


@given(st.text(alphabet="0123456789.-+:[]()eE, ，n", max_size=60))  # noqa: RUF001
def test_no_text_crashes_the_reader(text):
    with suppress(ConfigError):
        assert 1 <= len(numbers(text)) <= MAX_POINTS


def test_seeds_are_exact_however_large():
    assert whole_numbers(f"{MAX_SEED}, 1..3") == (MAX_SEED, 1, 2, 3)
    plan = read_prompt_text(f'[axes]\ncolumns = {{ seeds = "{MAX_SEED}, 7" }}\n[[jobs]]\nprompt = "p"', Path("a.toml"))
    assert [job.request.seed for job in plan.jobs] == [MAX_SEED, 7]
    plan = read_prompt_text(f'[axes]\ncolumns = {{ seeds = [{2**53 + 1}, 7] }}\n[[jobs]]\nprompt = "p"', Path("a.toml"))
    assert [job.request.seed for job in plan.jobs] == [2**53 + 1, 7]


def test_a_fraction_is_no_seed():
    with pytest.raises(ConfigError, match=r"0\.5, which is not a whole number"):
        whole_numbers("0..1:3")
