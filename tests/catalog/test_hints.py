"""What strangers wrote about a file: taken as hints, verbatim, and never able to crash a reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.catalog.nearest import nearest
from lora_mixer.catalog.sidecar import Sidecar, read_sidecar
from lora_mixer.catalog.training_metadata import MAX_WORDS, alias, base_hint, claimed_digests, trained_words

KEYS = st.sampled_from([
    "ss_tag_frequency", "ss_output_name", "modelspec.trigger_phrase", "modelspec.architecture",
    "ss_base_model_version", "ss_v2", "sshs_model_hash", "modelspec.hash_sha256",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_words_are_summed_over_datasets_and_the_trigger_comes_first():
    frequency = json.dumps({"10_a": {"hat": 3, "red": 5}, "20_b": {"hat": 4, " cat ": 1}})
    metadata = {"ss_tag_frequency": frequency, "modelspec.trigger_phrase": "zz hat"}
    assert trained_words(metadata) == ("zz hat", "hat", "red", "cat")


def test_the_trigger_stands_only_once():
    metadata = {"ss_tag_frequency": '{"a": {"red": 9, "hat": 3}}', "modelspec.trigger_phrase": "hat"}
    assert trained_words(metadata) == ("hat", "red")


def test_captions_are_split_into_words():
    captions = {"a red hat on a white table": 2, "a blue hat in the snow outside": 1}
    words = trained_words({"ss_tag_frequency": json.dumps({"a": captions})})
    assert words[0] == "hat"
    assert {"red", "white", "snow"} <= set(words)
    assert "on" not in words


def test_the_list_of_words_is_bounded():
    tags = {f"tag{number}": number + 1 for number in range(1000)}
    assert len(trained_words({"ss_tag_frequency": json.dumps({"a": tags})})) == MAX_WORDS


def test_markup_in_words_and_names_comes_back_as_written():
    markup = "<img src=x onerror=alert(1)>"
    assert alias({"ss_output_name": markup}) == markup
    assert markup in trained_words({"ss_tag_frequency": json.dumps({"a": {markup: 1, "b": 1, "c": 1}})})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"a": 1}',
        '{"a": {"b": "x"}}',
        '{"a": {"b": true}}',
        '{"a": {"b": -1}}',
        "[" * 100_000,
        '{"a": {"\\u202e": 1}}',
    ],
)
def test_a_tag_table_that_is_none_lists_no_words(text):
    assert trained_words({"ss_tag_frequency": text}) == ()


@pytest.mark.parametrize(
    ("metadata", "base"),
    [
        ({}, None),
        ({"ss_base_model_version": "sd_v1"}, "sd1"),
        ({"ss_base_model_version": "sd_v2_768_v"}, "sd2"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "sdxl"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-refiner/lora"}, "sdxl-refiner"),
        ({"modelspec.architecture": "stable-diffusion-v1/lora"}, "sd1"),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v/lora"}, "sd2"),
        ({"modelspec.architecture": "flux-1-dev/lora", "ss_v2": "False"}, "flux-1-dev/lora"),
        ({"ss_base_model_version": "sd3"}, "sd3"),
        ({"ss_v2": "True"}, "sd2"),
        ({"ss_v2": "False"}, "sd1"),
    ],
)
def test_the_base_is_told_from_what_trainers_write(metadata, base):
    assert base_hint(metadata) == base


def test_only_whole_digests_are_claims():
    assert claimed_digests({"sshs_model_hash": "abc", "modelspec.hash_sha256": "0x" + "AB" * 32}) == ("ab" * 32,)


@given(st.dictionaries(KEYS, st.text() | JSON.map(json.dumps)))
def test_no_metadata_crash_a_reader(metadata):
    assert len(trained_words(metadata)) <= MAX_WORDS
    assert alias(metadata) is None or alias(metadata).isprintable()
    base_hint(metadata)
    claimed_digests(metadata)


def test_a_description_comes_from_the_json_or_the_first_text(tmp_path):
    (tmp_path / "a.json").write_text('{"description": "", "notes": " n "}', encoding="utf-8-sig")
    (tmp_path / "a.description.txt").write_text("long")
    (tmp_path / "a.txt").write_text("short")
    paths = [tmp_path / name for name in ("a.json", "a.description.txt", "a.txt")]
    assert read_sidecar(paths) == Sidecar(description="long", notes="n")
    paths[0].write_text('{"description": "best"}')
    assert read_sidecar(paths).description == "best"
    assert read_sidecar(()) == Sidecar()


@pytest.mark.parametrize("value", ["0", "true", '"1"', "null", "NaN", "Infinity", "[1]"])
def test_a_weight_that_is_none_is_no_preference(tmp_path, value):
    path = tmp_path / "a.json"
    path.write_text(f'{{"preferred weight": {value}}}')
    assert read_sidecar([path]).preferred_weight is None


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff", b"[" * 100_000, b" " * (1024 * 1024 + 1), b'{"a": ' + b"9" * 5000]
)
def test_a_broken_sidecar_is_told_and_empty(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    sidecar = read_sidecar([path, tmp_path / "gone.txt"])
    assert [problem.partition(":")[0] for problem in sidecar.problems] == ["a.json", "gone.txt"]
    assert sidecar == Sidecar(problems=sidecar.problems)


@given(st.dictionaries(st.sampled_from(["description", "preferred weight", "notes", "sd version"]), JSON))
def test_no_sidecar_crashes_a_reader(tmp_path_factory, table):
    path = tmp_path_factory.getbasetemp() / "sidecar.json"
    path.write_text(json.dumps(table))
    assert isinstance(read_sidecar([path]).description, str)


def test_the_nearest_name_is_found_whatever_its_case():
    assert nearest("TOPHAT", ["night_sky", "Top_Hat"]) == ("Top_Hat",)
    assert nearest("qqqqqq", ["night_sky"]) == ()
    assert nearest("", ["a"]) == ()


def test_words_of_a_few_pictures_and_a_flat_vocabulary_are_left_out():
    vocabulary = {f"thing {number}": 2 for number in range(200)}
    triggered = {"ss_tag_frequency": json.dumps({"a": {"line art": 564} | vocabulary})}
    assert trained_words(triggered) == ("line art",)
    assert trained_words({"ss_tag_frequency": json.dumps({"a": vocabulary})}) == ()


VERSION = {"modelId": 7, "baseModel": "Pony", "trainedWords": ["zz hat", " zz hat", "red brim,"], "description": "<p>A <b>hat</b></p><p>1 &lt; 2</p>"}  # fmt: skip


def test_notes_of_other_programs_are_read(tmp_path):
    def read(ending, table):
        path = tmp_path / f"hat{ending}"
        path.write_text(json.dumps(table))
        return read_sidecar([path])

    told = Sidecar(
        description="A hat\n1 < 2",
        trained_words=("zz hat", "red brim"),
        base="Pony",
        page="https://civitai.com/models/7",
    )
    assert read(".civitai.info", VERSION) == told
    stability = {"ModelId": 7, "BaseModel": "Pony", "TrainedWords": VERSION["trainedWords"]}
    assert read(".cm-info.json", stability | {"ModelDescription": VERSION["description"]}) == told
    managed = {"civitai": VERSION, "usage_tips": '{"strength": 0.7, "strength_min": 0.4, "strength_max": 1.2}'}
    found = read(".metadata.json", managed)
    assert (found.description, found.trained_words, found.page) == (told.description, told.trained_words, told.page)
    assert (found.preferred_weight, found.strength_range) == (0.7, (0.4, 1.2))
    assert read(".json", {"strength_min": 2, "strength_max": 1}).strength_range is None


def test_the_owners_own_notes_come_before_what_was_downloaded(tmp_path):
    (tmp_path / "hat.json").write_text('{"description": "mine", "activation text": "my hat"}')
    (tmp_path / "hat.civitai.info").write_text(json.dumps(VERSION))
    found = read_sidecar([tmp_path / "hat.json", tmp_path / "hat.civitai.info"])
    assert (found.description, found.activation_text, found.base) == ("mine", "my hat", "Pony")
