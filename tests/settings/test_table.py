"""The table of settings, and the classes that are made from it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark.structures import ParameterSet

from lora_mixer import Hires, RenderRequest
from lora_mixer.choices import EMPHASES
from lora_mixer.choices import GRAMMARS as GRAMMAR_NAMES
from lora_mixer.conditioning.emphasis import EMPHASIS
from lora_mixer.errors import RequestError
from lora_mixer.prompt.grammars import GRAMMARS
from lora_mixer.settings import PICTURE, SECOND_PASS, Setting, Settings, Table
from lora_mixer.settings.kinds import Real, TableName, Whole
from lora_mixer.settings.pages import written
from lora_mixer.settings.stub import STUB, stub_text


def rows(kept: Callable[[Setting], bool] = lambda _: True) -> list[ParameterSet]:
    """The rows of both tables, as parameters of a test."""
    tables = (PICTURE, SECOND_PASS)
    return [pytest.param(row, id=table.prefix + row.name) for table in tables for row in table if kept(row)]


def test_what_type_checkers_know_is_what_the_table_says() -> None:
    assert STUB.read_text(encoding="utf-8") == stub_text(), "run `python -m lora_mixer.settings`"


@pytest.mark.parametrize("row", rows())
def test_a_row_says_what_it_is_in_whole_sentences(row: Setting) -> None:
    assert row.help[0].isupper()
    assert row.help.endswith(".")
    assert row.kind.expected.rstrip(".") == row.kind.expected != ""
    assert row.control is None or (row.control.english and row.control.chinese)


@pytest.mark.parametrize("row", rows(lambda row: row.default not in (None, ())))
def test_a_default_is_a_value_its_kind_takes_and_comes_back_from_text(row: Setting) -> None:
    row.kind.check(row.words, row.default)
    assert row.kind.read(row.kind.write(row.default)) == (row.default or None if row.default == "" else row.default)


def test_two_rows_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="one name"):
        Table((PICTURE["steps"], PICTURE["steps"]))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: RenderRequest("cat", stps=4),
            "RenderRequest: there is no field stps. steps is what it is called here.",
        ),
        (lambda: RenderRequest("cat", num_inference_steps=4), "steps is what it is called here"),
        (lambda: RenderRequest("cat", scheduler="x"), "sampler or schedule is what it is called here"),
        (lambda: RenderRequest(foo=1), "there is no field foo. Fields are prompt, negative"),
        (lambda: replace(RenderRequest("cat"), foo=1), "there is no field foo"),
        (lambda: RenderRequest("cat", 4), "only prompt can be given without its name"),
        (lambda: RenderRequest("cat", prompt="dog"), "prompt is given twice"),
        (lambda: RenderRequest(), "there is no prompt"),
        (lambda: Hires(2, upscalr="Latent"), "Hires: there is no field upscalr. upscaler is what it is called here."),
    ],
)
def test_a_wrong_call_is_an_error_of_ours(call: Callable[[], object], said: str) -> None:
    with pytest.raises(RequestError) as raised:
        call()
    assert said in str(raised.value)


def test_numbers_of_numpy_become_pythons() -> None:
    request = RenderRequest("cat", seed=np.int64(7), cfg=np.float32(2))
    assert (type(request.seed), type(request.cfg)) == (int, float)


def test_a_request_goes_through_pickle_and_has_a_hash() -> None:
    request = RenderRequest("cat", seed=7, hires=Hires(2))
    assert pickle.loads(pickle.dumps(request)) == request
    assert hash(request) == hash(replace(request))


def test_a_size_of_ones_own_keeps_out_the_scale_of_the_defaults_and_the_other_way_round() -> None:
    assert Hires(width=64).over(Hires(scale=2)) == Hires(width=64)
    assert Hires(3).over(Hires(width=64, height=64, steps=5)) == Hires(3, steps=5)


def test_settings_ask_for_themselves() -> None:
    values = {row.name: 8 if isinstance(row.kind, Whole) else row.default for row in PICTURE if not row.asked_only}
    settings = Settings(**values | {"prompt": "cat", "model": "emoji", "clip_skip": 2})
    assert settings.request() == RenderRequest(
        **{row.name: getattr(settings, row.name) for row in PICTURE if not row.asked_only}
    )


@pytest.mark.parametrize("row", rows(lambda row: isinstance(row.kind, (Whole, Real))))
def test_a_number_out_of_range_is_no_value_in_text_and_refused_in_settings(row: Setting) -> None:
    kind = row.kind
    assert isinstance(kind, (Whole, Real))
    for value in (kind.low - 2, kind.high + 1):
        assert kind.read(str(value)) is None
        with pytest.raises(RequestError, match="out of range"):
            kind.check(row.words, value)


@pytest.mark.parametrize("row", rows(lambda row: isinstance(row.kind, TableName)))
def test_every_name_of_a_table_is_found_and_an_unknown_one_is_no_value(row: Setting) -> None:
    kind = row.kind
    assert isinstance(kind, TableName)
    assert all(kind.read(name) == name for name in kind.names)
    assert (kind.read("no such name") is None) != bool(kind.beyond)
    assert kind.read("\0") is None


@pytest.mark.parametrize("page", sorted((STUB.parents[2] / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_the_tables_of_the_documents_are_the_settings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert written(text) == text, "run `python -m lora_mixer.settings`"


def test_the_names_a_setting_takes_are_those_there_is_code_for() -> None:
    assert [row.name for row in EMPHASIS] == list(EMPHASES)
    assert [row.name for row in GRAMMARS] == list(GRAMMAR_NAMES)
