"""A prompt file that was written reads back as what was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer import Curve, ElementWeight, Hires, LoraUse, Rectangle, RenderRequest, Strength
from lora_mixer.errors import RequestError
from lora_mixer.promptfile.plan import PromptEntry
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.writing import prompt_file_text

FILE = Path("sheet.toml")
words = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0"), max_size=12)
numbers = st.floats(-2, 2, allow_nan=False)
strengths = st.builds(
    Strength,
    denoiser=numbers,
    text=st.none() | numbers,
    blocks=st.dictionaries(st.sampled_from(["IN01", "M00", "OUT11"]), numbers, max_size=2),
    curve=st.none() | st.builds(Curve, points=st.just(((0.0, 0.5), (1.0, 1.5)))),
    mask=st.none()
    | st.builds(Rectangle, left=st.just(0.0), top=st.just(0.25), right=st.just(0.5), bottom=st.just(1.0)),
    negative=st.booleans(),
    rank=st.none() | st.integers(1, 64),
)
requests = st.builds(
    RenderRequest,
    words.filter(bool),
    negative=st.none() | words,
    loras=st.lists(st.builds(LoraUse, name=words.filter(bool), strength=strengths), max_size=2),
    seed=st.integers(0, 2**64 - 1),
    subseed=st.none() | st.integers(-1, 9),
    subseed_strength=st.none() | st.floats(0, 1),
    steps=st.none() | st.integers(1, 1000),
    cfg=st.none() | st.floats(0, 100),
    sampler=st.none() | st.sampled_from(["Euler a", "DPM++ 2M"]),
    width=st.none() | st.just(64),
    model=st.none() | words.filter(bool),
    styles=st.lists(words.map(str.strip).filter(bool), max_size=2),
    hires=st.none() | st.builds(Hires, scale=st.just(1.5), denoise=st.none() | st.just(0.4), prompt=st.none() | words),
)


@settings(max_examples=60)
@given(asked=st.lists(st.tuples(words, requests), min_size=1, max_size=3), title=words)
def test_entries_read_back_as_they_were(asked: list[tuple[str, RenderRequest]], title: str) -> None:
    entries = [PromptEntry(name=name, request=request, line=1) for name, request in asked]
    plan = read_prompt_text(prompt_file_text(entries, title=title), FILE, strict=True)
    assert [job.request for job in plan.jobs] == [request for _, request in asked]
    assert plan.sheet.title == title
    assert all(job.name == name for job, (name, _) in zip(plan.jobs, asked, strict=True) if name)


def test_axes_read_back_with_their_labels() -> None:
    text = prompt_file_text(
        [PromptEntry(name="night", request=RenderRequest("cat", seed=1), line=1)],
        columns={"lora": "ink", "strengths": (0.5, 1.0), "without": True},
        rows={"prompt": ("cat", 'dog, "sitting"')},
    )
    plan = read_prompt_text(text, FILE, strict=True)
    assert plan.sheet.columns == ("no ink", "ink 0.5", "ink 1")
    assert [job.request.prompt for job in plan.jobs[::3]] == ["cat", 'dog, "sitting"']


def test_elements_and_second_text_encoder_are_kept() -> None:
    use = LoraUse(
        "ink",
        Strength(
            text={"te1": 0.25, "te2": 0.75}, elements=(ElementWeight(blocks=("IN01",), layers=("attn",), weight=0.5),)
        ),
    )
    entry = PromptEntry(name="", request=RenderRequest("cat", seed=1, loras=[use]), line=1)
    assert read_prompt_text(prompt_file_text([entry]), FILE).jobs[0].request == entry.request


def test_a_mask_that_is_a_picture_is_refused_since_its_path_means_nothing_elsewhere() -> None:
    use = LoraUse("ink", Strength(mask=Path("mask.png")))
    with pytest.raises(RequestError, match="mask"):
        prompt_file_text([PromptEntry(name="", request=replace(RenderRequest("cat"), loras=(use,)), line=1)])
