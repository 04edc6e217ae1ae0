"""The server reads the browser's document, and answers under its number."""

from __future__ import annotations

from typing import Any

import pytest

from lora_mixer import Mixer, RenderRequest
from lora_mixer.errors import RequestError
from lora_mixer_app.web.desk.answers import answers, newest_answer
from lora_mixer_app.web.desk.asked import asked_request
from lora_mixer_app.web.desk.document import document_of, read_document
from lora_mixer_app.web.desk.facts import document_facts
from lora_mixer_app.web.desk.first import first_document
from lora_mixer_app.web.desk.pasted import pasted_document
from lora_mixer_app.web.state import AppState
from tests.support.people import person

MODELS = """
default = "emoji"
max_models = 2

[models.emoji]
location = "builtin:emoji"
dtype = "float32"

[models.old]
location = "builtin:emoji"
dtype = "float32"

[models.old.defaults]
grammar = "a1111"
"""
# A1111 takes a tag out of a schedule and keeps it for the whole picture; here it belongs to the schedule.
SCHEDULED_TAG = "heart [<lora:line_art:1>:10]"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> AppState:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "models.toml").write_text(MODELS)
    return AppState(Mixer.open(models_file=folder / "models.toml"), folder / "studio")


def document(prompt: str = "heart", *strips: dict[str, Any], **settings: object) -> dict[str, Any]:
    numbered = [{"number": number} | strip for number, strip in enumerate(strips, 1)]
    return {"prompt": prompt, "strips": numbered, "settings": {"steps": 2, "seed": 7} | settings}


def test_two_tabs_with_two_models_read_one_prompt_by_two_grammars(state: AppState) -> None:
    told = [
        document_facts(state, person(model), {"document": document(SCHEDULED_TAG, model=model)})
        for model in ("emoji", "old")
    ]
    assert [len(facts["tags"]) for facts in told] == [0, 1]
    assert told[1]["tags"][0]["strip"]["name"] == "line_art"
    assert SCHEDULED_TAG[told[1]["tags"][0]["at"] : told[1]["tags"][0]["end"]] == "<lora:line_art:1>"


def test_every_answer_carries_the_documents_number_and_the_picture_is_the_documents(state: AppState) -> None:
    asked = document("heart <lora:line_art:0.5>", {"name": "sepia", "strength": 0.25}, steps=20)
    told = list(answers(state, person("one"), {"number": 41, "document": asked}))
    began, *steps, done = told
    assert (began["kind"], {step["kind"] for step in steps}, done["kind"]) == ("began", {"step"}, "done")
    assert {answer["number"] for answer in told} == {41}
    assert done["picture"]["record"].startswith("heart <lora:line_art:0.5> <lora:sepia:0.25>")
    assert steps[0]["preview"].startswith("data:image/jpeg;base64,")


def test_what_was_told_last_can_be_asked_for_whether_or_not_it_arrived(state: AppState) -> None:
    tab = person("deaf")
    assert newest_answer(state, tab, {}) is None
    older, newer = (answers(state, tab, {"number": number, "document": document("heart")}) for number in (1, 2))
    next(older)
    assert newest_answer(state, tab, {}) == {"number": 1, "kind": "began", "ahead": 0}
    made = list(newer)[-1]
    list(older)
    assert newest_answer(state, tab, {}) == made


def test_pasted_generation_data_become_a_document_and_other_words_none(state: AppState) -> None:
    text = "heart <lora:sepia:0.5>\nNegative prompt: dull\nSteps: 4, Sampler: Euler a, CFG scale: 3, Seed: 7, Size: 128x128"
    told = pasted_document(state, person("paste"), {"text": text})
    assert told is not None
    assert (told["document"]["prompt"], told["document"]["negative"]) == ("heart", "dull")
    assert [strip["name"] for strip in told["document"]["strips"]] == ["sepia"]
    assert {"steps": 4, "seed": 7}.items() <= told["document"]["settings"].items()
    for words in ("", "Steps: 12, of a dance", '{"prompt": "heart"}'):
        assert pasted_document(state, person("paste"), {"text": words}) is None


def test_a_bad_curve_is_told_beside_its_strip_and_stops_no_other_question(state: AppState) -> None:
    wrong = document("heart", {"name": "sepia", "curve": "sometimes"}, {"name": "line_art"})
    facts = document_facts(state, person("two"), {"document": wrong})
    assert [(problem["place"], problem["number"]) for problem in facts["problems"]] == [("strip", 1)]
    assert facts["counts"]["prompt"]
    told = list(answers(state, person("two"), {"number": 1, "document": wrong}))
    assert told[-1]["kind"] == "error"
    assert "sometimes" in told[-1]["says"]


def test_whoever_reads_chinese_is_told_in_chinese_why_nothing_is_drawn(state: AppState) -> None:
    tab = person("zh", **{"accept-language": "zh-CN,zh;q=0.9"})
    wrong = document("heart <lora:nothing_like_it:1>", {"name": "sepia", "curve": "sometimes"})
    beside = document_facts(state, tab, {"document": wrong})
    assert "不是有效的步数曲线" in beside["problems"][0]["says"]
    assert "没有名为" in beside["loras"]["nothing_like_it"]["problem"]
    told = list(answers(state, tab, {"number": 1, "document": document("heart <lora:nothing_like_it:1>")}))
    assert "LoRA 中没有名为 'nothing_like_it' 的" in told[-1]["says"]


def test_random_seeds_keep_the_noise_of_the_picture_that_is_named(state: AppState) -> None:
    tab = person("three")
    first = list(answers(state, tab, {"number": 1, "document": document(seed=-1)}))[-1]["picture"]
    again = list(answers(state, tab, {"number": 2, "document": document(seed=-1), "noise": first["id"]}))[-1]["picture"]
    other = list(answers(state, tab, {"number": 3, "document": document(), "offset": 2}))[-1]["picture"]
    assert again["seed"] == first["seed"]
    assert other["seed"] == 9


def test_the_first_document_and_what_a_request_lays_there_can_be_read(state: AppState) -> None:
    first = first_document(state)
    assert read_document(first).request.prompt == first["prompt"]
    laid = document_of(RenderRequest("cat <lora:sepia:0.5>", steps=4), family=state.first.family)
    assert (laid["prompt"], laid["strips"][0]["name"], laid["settings"]["steps"]) == ("cat", "sepia", 4)
    assert "seed" not in laid["settings"]
    assert asked_request(state, person("four"), laid).prompt == "cat <lora:sepia:0.5>"


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"strips": [{"name": "a"}]},
        {"strips": [{"number": 1, "name": "a", "strength": "much"}]},
        {"prompt": 3},
    ],
)
def test_what_is_no_document_is_refused_in_a_sentence(wrong: object) -> None:
    with pytest.raises(RequestError, match="document cannot be read"):
        read_document(wrong)
