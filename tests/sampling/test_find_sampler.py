"""Names people paste, resolved or refused with the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.choices.samplers import SCHEDULE_ALIASES, UNSUPPORTED, UNSUPPORTED_SCHEDULES
from lora_mixer.errors import RequestError
from lora_mixer.sampling import AUTOMATIC, SAMPLERS, SCHEDULES, find_sampler, schedule_in_use

DOCS = Path(__file__).parents[2] / "docs" / "samplers.md"


@pytest.mark.parametrize(
    ("name", "found", "schedule"),
    [
        ("DPM++ 2M Karras", "DPM++ 2M", "Karras"),
        ("dpmpp_2m_sde_karras", "DPM++ 2M SDE", "Karras"),
        ("DPM++ 2M SDE Exponential", "DPM++ 2M SDE", "Exponential"),
        ("k_euler_a", "Euler a", AUTOMATIC),
        ("euler", "Euler", AUTOMATIC),
        ("DPM++ SDE Karras", "DPM++ SDE", "Karras"),
        ("ddim", "DDIM", AUTOMATIC),
        ("Heun", "Heun", AUTOMATIC),
    ],
)
def test_names_people_paste_resolve(name, found, schedule):
    sampler = find_sampler(name)
    assert (sampler.name, sampler.schedule) == (found, schedule)


def test_every_name_and_alias_means_one_row():
    keys = [name for row in SAMPLERS for name in (row.name, *row.aliases)]
    assert [find_sampler(name).name for name in keys] == [r.name for r in SAMPLERS for _ in (r.name, *r.aliases)]


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_sampler_of_other_programs_is_refused_with_one_that_is_here(name):
    with pytest.raises(RequestError, match="not supported") as refused:
        find_sampler(name)
    assert find_sampler(UNSUPPORTED[name]).name in str(refused.value)


@pytest.mark.parametrize("name", UNSUPPORTED_SCHEDULES)
def test_a_schedule_of_other_programs_is_refused_with_one_that_is_here(name):
    with pytest.raises(RequestError, match=UNSUPPORTED_SCHEDULES[name]):
        find_sampler("Euler", name)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(RequestError, match=r"Did you mean DPM\+\+ 2M"):
        find_sampler("DPM++ 2N")
    with pytest.raises(RequestError, match="Did you mean Karras"):
        find_sampler("Euler", "Karas")


def test_a_schedule_the_sampler_does_not_take_is_refused_not_ignored():
    with pytest.raises(RequestError, match="DDIM does not take the schedule Karras"):
        find_sampler("DDIM", "Karras")
    with pytest.raises(RequestError, match="Say one"):
        find_sampler("DPM++ 2M Karras", "Exponential")


def test_automatic_follows_a_model_that_asks_for_trailing_steps():
    automatic = find_sampler("DPM++ 2M")
    assert schedule_in_use(automatic, {}) == "Karras"
    assert schedule_in_use(automatic, {"timestep_spacing": "trailing"}) == "SGM Uniform"


def test_the_documentation_names_every_sampler_schedule_and_refusal():
    text = DOCS.read_text(encoding="utf-8")
    words = [row.name for row in SAMPLERS] + [row.scheduler for row in SAMPLERS]
    for word in (*words, *SCHEDULES, *SCHEDULE_ALIASES, *UNSUPPORTED, *UNSUPPORTED_SCHEDULES):
        assert word in text, word
