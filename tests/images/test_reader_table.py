"""The table of readers is the one in the docs, and every source has its words on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.images.readers.names import COMFY, COMFY_SAMPLERS, COMFY_SCHEDULES
from lora_mixer.images.readers.table import READERS
from lora_mixer.images.request_of import KINS

DOCS = Path(__file__).parents[2] / "docs/records.md"


def test_the_docs_table_is_the_readers_table():
    rows = [f"| {reader.source} | {reader.programs} | {reader.where} |" for reader in READERS]
    told = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert [line for line in told if line in rows] == rows


def test_every_source_has_words_on_the_page():
    pytest.importorskip("lora_mixer_app")
    from lora_mixer_app.web.tab_i18n import TAB_WORDS

    words = {row[0] for row in TAB_WORDS}
    for source in ("lora-mixer", "none", *(r.source for r in READERS), *(k.source for k in KINS)):
        assert f"info_source_{source.replace('-', '_')}" in words


@pytest.mark.parametrize("name", COMFY_SAMPLERS)
def test_no_sampler_of_comfyui_becomes_another(name):
    found = COMFY.sampler(name)
    if found is None:
        return
    assert found[0] == COMFY_SAMPLERS[name]
    assert found[1] is None


@pytest.mark.parametrize("name", COMFY_SCHEDULES)
def test_no_schedule_of_comfyui_becomes_another(name):
    assert COMFY.schedule(name) in {None, COMFY_SCHEDULES[name]}


@pytest.mark.parametrize("name", ["bong_tangent", "euler_something", "", "dpmpp_2m_karras_karras", "x" * 500, 7, None])
def test_a_name_that_is_in_no_table_is_not_taken_for_one(name):
    assert COMFY.sampler(name) is None
    assert COMFY.schedule(name) is None
