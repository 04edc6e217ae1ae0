"""Sweeps as prompt files: every combination of strengths, one picture without any LoRA."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.errors import RequestError
from lora_mixer.promptfile import PromptFile
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.sweep import SweptLora, sweep_file, swept_lora


def planned(prompt: str, *loras: str, **how: int) -> PromptFile:
    return read_prompt_text(
        sweep_file(prompt, [swept_lora(text) for text in loras], **how), Path("s.toml"), strict=True
    )


def mixes(plan: PromptFile) -> list[dict[str, float]]:
    return [
        {use.name: use.strength.denoiser for use in job.request.loras if use.strength.denoiser} for job in plan.jobs
    ]


def test_two_loras_make_columns_and_rows_from_one_seed() -> None:
    plan = planned("cat", "a=0..1:5", "b=0,0.5,1")
    assert plan.sheet.columns == ("a 0", "a 0.25", "a 0.5", "a 0.75", "a 1")
    assert plan.sheet.rows == ("b 0", "b 0.5", "b 1")
    assert len({job.request.seed for job in plan.jobs}) == 1
    assert plan.sheet.title == "cat"
    assert mixes(plan)[0] == {}
    assert mixes(plan)[-1] == {"a": 1.0, "b": 1.0}


def test_seeds_are_the_rows_of_one_lora_and_blocks_of_two() -> None:
    one = planned("cat", "a=1", seeds=3)
    assert one.sheet.rows == ("seed 1", "seed 2", "seed 3")
    assert [job.request.seed for job in one.jobs] == [1, 1, 2, 2, 3, 3]
    two = planned("cat", "a=1", "b=1", seeds=2, seed=10)
    assert two.sheet.rows == ("seed 10, no b", "seed 10, b 1", "seed 11, no b", "seed 11, b 1")
    assert planned("cat", "a=1", seed=5).jobs[0].request.seed == 5


def test_a_third_lora_makes_blocks() -> None:
    plan = planned("cat", "a=1", "b=1", "c=0.5")
    assert plan.sheet.rows == ("no c, no b", "no c, b 1", "c 0.5, no b", "c 0.5, b 1")
    assert len(plan.jobs) == 8
    assert len({tuple(mix.items()) for mix in mixes(plan)}) == 8


@given(
    prompt=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    names=st.lists(
        st.text(st.characters(categories=["L", "N"], include_characters='_-. "\\'), min_size=1)
        .map(str.strip)
        .filter(bool),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    strengths=st.lists(st.floats(-2, 2), min_size=1, max_size=2, unique=True),
)
def test_every_sweep_has_each_combination_once_and_one_picture_without_a_lora(
    prompt: str, names: list[str], strengths: list[float]
) -> None:
    loras = [SweptLora(name=name, strengths=tuple(strengths)) for name in names]
    plan = read_prompt_text(sweep_file(prompt, loras), Path("s.toml"), strict=True)
    found = [tuple(sorted(mix.items())) for mix in mixes(plan)]
    assert len(set(found)) == len(found) == len({0.0, *strengths}) ** len(names)
    assert () in found
    assert {job.request.prompt for job in plan.jobs} == {prompt.replace("\r\n", "\n")}


@pytest.mark.parametrize("text", ["ink", "=1", "ink=", "ink=much", "ink=0..1:0"])
def test_what_is_no_sweep_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        swept_lora(text)
    assert caught.value.remedy


def test_a_lora_named_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="each named once"):
        sweep_file("cat", [swept_lora("a=1"), swept_lora("a=0")])
