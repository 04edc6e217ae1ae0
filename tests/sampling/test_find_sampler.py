"""Names people paste, resolved or refused with the nearest."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.choices import PRESETS
from lora_mixer.choices.samplers import EVERY, PLAIN, UNCURVED, UNSUPPORTED, WIDE
from lora_mixer.choices.schedules import SCHEDULE_ROWS
from lora_mixer.errors import RequestError
from lora_mixer.sampling import AUTOMATIC, SAMPLERS, find_sampler, schedule_in_use

GROUPS = {
    "any": EVERY,
    "any, diffusers' spacings": UNCURVED,
    "any but diffusers'": PLAIN,
    "from most to least": WIDE,
}
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


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(RequestError, match=r"Did you mean DPM\+\+ 2M"):
        find_sampler("DPM++ 2N")
    with pytest.raises(RequestError, match="Did you mean Karras"):
        find_sampler("Euler", "Karas")


def test_a_schedule_the_sampler_does_not_take_is_refused_not_ignored():
    with pytest.raises(RequestError, match="DDIM does not take the schedule diffusers Karras"):
        find_sampler("DDIM", "diffusers Karras")
    with pytest.raises(RequestError, match="Say one"):
        find_sampler("DPM++ 2M Karras", "Exponential")


def test_automatic_follows_a_model_that_asks_for_trailing_steps():
    automatic = find_sampler("DPM++ 2M")
    assert schedule_in_use(automatic, {}) == "Karras"
    assert schedule_in_use(automatic, {"timestep_spacing": "trailing"}) == "Trailing"


def test_the_documentation_has_the_tables_as_they_are():
    text = DOCS.read_text(encoding="utf-8")
    for row in SAMPLERS:
        own = "" if row.eta is None else f"{row.eta:g}"
        line = next(line for line in text.splitlines() if line.startswith(f"| {row.name} | `"))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1:3] == [f"`{row.solver}`", row.schedules[0]]
        assert cells[4:6] == ["yes" if row.noisy else "no", own]
        assert all(alias in cells[6] for alias in row.aliases)
        assert set(row.schedules) - {row.schedules[0]} == set(GROUPS[cells[3]]) - {row.schedules[0]}
    for row in SCHEDULE_ROWS:
        assert f"| {row.name} | {row.says} | {', '.join(row.aliases)} |" in text
    for name, nearest in UNSUPPORTED.items():
        assert f"| {name} | {nearest} |" in text
    for row in PRESETS:
        assert f"| {row.name} | {row.sampler} | {row.schedule} | {row.steps} | {row.cfg:g} | {row.wants} |" in text
