"""Infotext reads back as A1111 meant it, in linear time, whatever it holds."""

from __future__ import annotations

import json
import time
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.images import Infotext, parse_infotext
from lora_mixer.images.request_of import request_of

FORGE = """masterpiece, <lora:add_detail:0.8> a cat, [dog:16:9]
second line: with, colons
Negative prompt: worst quality, (bad: 1.2)
more of it
Steps: 25, Sampler: DPM++ 2M SDE, Schedule type: Karras, CFG scale: 7, Distilled CFG Scale: 3.5, Seed: 1234567890, \
Size: 832x1216, Model hash: 6ce0161689, Model: v1-5-pruned, Denoising strength: 0.4, Clip skip: 2, RNG: CPU, \
Hires upscale: 1.5, ADetailer prompt: "face, \\"sharp\\"\\nnew: line", ADetailer model (2nd): none, \
Lora hashes: "add_detail: 7c6bad76eb54, empty: e3b0c44298fc", Tiling, \
Hashes: {"model": "6ce0161689", "lora:add_detail": "7c6bad76eb54"}, Version: f2.0.1v1.10.1"""


def test_forges_text_is_read_whole():
    text = parse_infotext(FORGE)
    assert text.prompt == "masterpiece, <lora:add_detail:0.8> a cat, [dog:16:9]\nsecond line: with, colons"
    assert text.negative == "worst quality, (bad: 1.2)\nmore of it"
    assert text.fields["Distilled CFG Scale"] == "3.5"
    assert text.fields["ADetailer prompt"] == 'face, "sharp"\nnew: line'
    assert text.fields["ADetailer model (2nd)"] == "none", "A1111's reader drops keys with brackets"
    assert text.fields["Tiling"] == "Tiling", "A1111's reader drops bare flags"
    assert json.loads(text.fields["Hashes"])["model"] == "6ce0161689"
    assert text.hashes() == {"add_detail": "7c6bad76eb54"}
    assert not text.notes


def test_forges_text_becomes_a_request_and_says_what_it_leaves_behind():
    request, notes = request_of(parse_infotext(FORGE))
    assert (request.seed, request.steps, request.cfg, request.clip_skip) == (1234567890, 25, 7.0, 2)
    assert (request.sampler, request.schedule) == ("DPM++ 2M SDE", "Karras")
    assert (request.width, request.height) == (832, 1216)
    assert request.model == "v1-5-pruned"
    assert request.hires is not None
    assert request.hires.scale == 1.5
    assert "ADetailer prompt is not carried over" in notes


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        ("Sampler: DPM++ 2M Karras", ("DPM++ 2M", "Karras")),
        ("Sampler: Euler a", ("Euler a", None)),
        ("Sampler: Euler, Schedule type: Automatic", ("Euler", None)),
        ("Sampler: DPM++ SDE, Schedule type: SGM Uniform", ("DPM++ SDE", "SGM Uniform")),
    ],
)
def test_old_and_new_ways_of_naming_a_schedule_mean_the_same(sampler, expected):
    request, _ = request_of(parse_infotext(f"x\nSteps: 5, {sampler}, Seed: 1, CFG scale: 7"))
    assert (request.sampler, request.schedule) == expected


def test_a_prompt_with_few_colons_is_all_prompt():
    text = parse_infotext("a: b, c: d\nlast line, ratio 16:9")
    assert text.prompt == "a: b, c: d\nlast line, ratio 16:9"
    assert not text.fields


def test_text_below_the_parameters_is_told():
    text = parse_infotext("x\nSteps: 5, Sampler: Euler, Seed: 1\nTemplate: {a|b}\nmore")
    assert text.fields["Seed"] == "1"
    assert text.notes == ("2 lines below the parameters were not understood",)


def test_values_out_of_range_are_told_and_left_open():
    request, notes = request_of(parse_infotext("x\nSteps: 0, Sampler: Euler, Seed: -1, Size: 0x64, CFG scale: nan"))
    assert (request.steps, request.seed, request.width, request.cfg) == (None, None, None, None)
    assert "Steps: 0 is not a value we can use" in notes


@pytest.mark.parametrize(
    "attack",
    [
        'a: "',
        'a: "\\',
        "a: {",
        'a: {"b": [',
        "a:",
        ",",
        ": ",
        "a: [0,",
        '", a: ["',
        "Negative prompt:\n",
        "Steps: 1, b: 2, c: 3\n",
        " \t",
        "(",
    ],
)
def test_hostile_text_takes_milliseconds(attack):
    for size in (40_000, 10_000_000):
        text = "x\n" + attack * (size // len(attack))
        start = time.process_time()
        parse_infotext(text)
        assert time.process_time() - start < 1.0


KEYS = st.from_regex(r"[A-Za-z][\w \-/]{0,20}[A-Za-z0-9]", fullmatch=True)
LINES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=60)


def _prompt(lines: list[str]) -> str:
    return "\n".join(line for line in lines if not line.startswith("Negative prompt:")).strip()


@given(
    st.lists(LINES, max_size=3).map(_prompt),
    st.lists(LINES, max_size=2).map(_prompt),
    st.dictionaries(KEYS, st.text(st.characters(exclude_categories=["Cs"]), max_size=40), min_size=3, max_size=8),
)
def test_parsing_undoes_writing(prompt, negative, fields):
    fields = {key: value for key, value in fields.items() if key != value}
    if len(fields) < 3:
        return
    written = Infotext(prompt=prompt, negative=negative, fields=MappingProxyType(fields))
    read = parse_infotext(written.to_text())
    assert (read.prompt, read.negative, dict(read.fields)) == (prompt, negative, fields)


@given(st.text())
def test_no_text_crashes_the_reader(text):
    request_of(parse_infotext(text))


def test_a_picture_that_was_not_enlarged_stays_so_where_the_model_enlarges_by_default() -> None:
    request, _ = request_of(parse_infotext("a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"))
    assert request.upscale == 1
    assert request_of(parse_infotext("a cat"))[0].upscale is None
