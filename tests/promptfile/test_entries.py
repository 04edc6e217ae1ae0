"""Entries are checked field by field, as the whole table's check would, and cost little however many there are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.promptfile.copies import EMPTY, with_seed, with_values
from lora_mixer.promptfile.entries import NO_PROMPT, EntryReader
from lora_mixer.promptfile.plan import PromptEntry
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.promptfile.schema import EntryTable, FieldsTable, read_table

VALUES: dict[str, list[object]] = {
    "prompt": ["cat", "", None, 3],
    "negative": ["bad", None, ["x"]],
    "loras": [{"ink": 0.5}, "ink=0.5; wash", [{"name": "ink", "curve": [[0, 1]]}], [{"title": "ink"}], 3],
    "seed": [7, -1, -2, "7", True, 2**64],
    "steps": [20, 0, "20", "many", 2.5],
    "cfg": [7, 7.5, "7", float("nan"), 101],
    "eta": [0.5, 3],
    "rng": ["cpu", "dice"],
    "sampler": ["Euler a", "Eulr", 3, None],
    "schedule": ["Karras", "Karas"],
    "preset": ["lcm", "lcn"],
    "width": [512, 511, "512"],
    "height": [64, None, 9000],
    "size": ["512x64", "512x", "513x64"],
    "clip_skip": [2, 13],
    "styles": ["a; b", ["a"], [3]],
    "hires": [2, "2; denoise=0.4", {"scale": 2, "steps": 5}, {"scales": 2}, "x"],
    "init": ["a.png", 3],
    "mask": ["a.png", [0, 0, 1, 1]],
    "denoise": [0.5, 0, "x"],
    "method": ["ties", "tise", 3],
    "regions": [[{"mask": [0, 0, 1, 1], "prompt": "sun"}], [{"mask": [0, 0, 1]}], [{"weight": 1}], 3],
    "divide": [{"mode": "diagonal"}, 3, None],
    "name": ["n", None, 3],
    "count": [3, 0, "3", 1001],
    "seeds": [1],
}
TABLES = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in VALUES.items()})


def test_every_field_of_an_entry_is_tried() -> None:
    others = {  # like one of those above
        *("subseed", "subseed_strength", "cfg_rescale", "emphasis", "grammar", "model", "resize_mode", "inpaint_area"),
        *("masked_content", "mask_mode", "mask_blur", "inpaint_padding", "places", "balance", "upscale", "upscaler"),
    }
    assert VALUES.keys() | others >= EntryTable.model_fields.keys()
    decorated = EntryTable.__pydantic_decorators__
    assert {*decorated.field_validators, *decorated.validators} == set()  # each check stands in its field's annotation


@given(table=TABLES, strict=st.booleans(), hints=st.booleans())
def test_an_entry_is_refused_where_the_whole_table_is_and_in_the_same_words(
    table: dict[str, object], strict: bool, hints: bool
) -> None:
    job = read_table(EntryTable, table, strict=strict, hints=hints)
    entry = EntryReader(strict=strict).read(table, 3, hints=hints)
    if not isinstance(job, EntryTable):
        assert entry == job
    elif job.prompt is None:
        assert isinstance(entry, tuple)
        assert [fault.what for fault in entry if not isinstance(entry, PromptEntry)] == [NO_PROMPT]
    else:
        assert isinstance(entry, PromptEntry)
        assert (entry.name, entry.line, entry.pictures) == (job.name or "", 3, job.count)
        assert replace(entry.request) == entry.request  # all its own checks take it as it is
        plain = (
            "prompt",
            "negative",
            "seed",
            "steps",
            "cfg",
            "eta",
            "rng",
            "sampler",
            "schedule",
            "clip_skip",
            "preset",
        )
        assert [getattr(entry.request, name) for name in plain] == [getattr(job, name) for name in plain]
        assert entry.request.loras == tuple(lora.use() for lora in job.loras)
        assert entry.request.styles == tuple(job.styles)
        assert entry.request.hires == (None if job.hires is None else job.hires.entry())
        if job.size is None:
            assert (entry.request.width, entry.request.height) == (job.width, job.height)


def test_defaults_lie_under_every_entry_and_lists_of_both_act() -> None:
    defaults = read_table(
        FieldsTable,
        {"prompt": "cat", "steps": 9, "loras": {"a": 1}, "styles": "x", "size": "64x128", "hires": "2; steps=4"},
    )
    assert isinstance(defaults, FieldsTable)
    reader = EntryReader(defaults)
    bare, own = (
        reader.read({}, 1),
        reader.read({"steps": 3, "loras": {"b": 1}, "styles": ["y"], "width": 32, "hires": 3}, 2),
    )
    assert isinstance(bare, PromptEntry)
    assert isinstance(own, PromptEntry)
    assert (bare.request.prompt, bare.request.steps, bare.request.width, bare.request.height) == ("cat", 9, 64, 128)
    assert (own.request.steps, own.request.width, own.request.height) == (3, 32, None)
    assert [use.name for use in own.request.loras] == ["a", "b"]
    assert own.request.styles == ("x", "y")
    assert own.request.hires is not None
    assert (own.request.hires.scale, own.request.hires.steps) == (3, 4)
    assert own.request == replace(own.request)


def test_a_copy_with_other_values_is_what_a_checked_one_would_be() -> None:
    values = {"prompt": "cat", "seed": 3, "cfg": 2.5, "styles": ("a",)}
    assert with_values(EMPTY, values) == replace(EMPTY, **values)
    assert with_seed(EMPTY, 5) == replace(EMPTY, seed=5)
    assert replace(EMPTY) == EMPTY


@given(tables=st.lists(TABLES, max_size=6))
def test_what_entries_before_it_said_changes_nothing_of_an_entry(tables: list[dict[str, object]]) -> None:
    reader = EntryReader()
    assert [reader.read(table, 1) for table in tables] == [EntryReader().read(table, 1) for table in tables]


def test_mixes_that_are_written_alike_are_told_apart_by_their_types() -> None:
    reader = EntryReader()
    for given_ in ({"ink": 1}, {"ink": 1.0}, {"ink": "1"}, [{"name": "ink", "strength": 1}], "ink=1", {"ink": True}):
        table = {"prompt": "a", "loras": given_}
        assert reader.read(table, 1) == EntryReader().read(table, 1)


def test_pictures_beside_a_file_are_found_wherever_an_entry_names_them(tmp_path: Path) -> None:
    for text in (
        '[[jobs]]\nprompt = "a"\n[[jobs]]\nprompt = "b"\ninit = "x.png"\n',
        '[defaults]\ninit = "x.png"\n[[jobs]]\nprompt = "b"\n',
        '[axes]\ncolumns = { steps = [1, 2] }\n[[jobs]]\nprompt = "b"\ninit = "x.png"\n',
    ):
        last = read_prompt_text(text, tmp_path / "a.toml").jobs[-1].request.init
        assert last is not None
        assert Path(last.path).parent == tmp_path


def calls(text: str, ending: str) -> int:
    """How many functions are called while a text is read."""
    count = 0

    def hear(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(hear)
    try:
        read_prompt_text(text, Path(f"a{ending}"))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    ("ending", "most", "text"),
    [
        (".toml", 92, lambda n: '[[jobs]]\nprompt="a"\n' * n),  # tomllib's own are some 60
        (".toml", 170, lambda n: '[[jobs]]\nprompt="a"\nloras={ink=0.5}\n' * n),
        (".txt", 35, lambda n: "a\n" * n),
        (".txt", 78, lambda n: "a --steps 3\n" * n),
        (".jsonl", 58, lambda n: '{"prompt":"a"}\n' * n),
        (".jsonl", 90, lambda n: '{"prompt":"a","loras":{"ink":0.5}}\n' * n),
        (".csv", 70, lambda n: "prompt,steps\n" + "a,3\n" * n),
        (".csv", 110, lambda n: "prompt,lora:ink\n" + "a,0.5\n" * n),
    ],
)
def test_a_small_job_costs_few_steps_and_the_thousandth_no_more(
    ending: str, most: int, text: Callable[[int], str]
) -> None:
    calls(text(10), ending)
    few, some, many = (calls(text(size), ending) for size in (100, 400, 1000))
    assert (some - few) / 300 < most
    assert (many - some) / 600 < most
