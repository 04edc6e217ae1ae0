"""The inspect tab: reports, metadata as text, and plots whose colours mean the numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer import Mixer
from lora_mixer.errors import ConfigError, RequestError
from lora_mixer_app.web.i18n import WORDS
from lora_mixer_app.web.tabs.inspect import left_rows, metadata_rows, place_rows, plots_of, strengths_of


def test_one_strength_counts_for_all_and_a_wrong_number_of_them_is_refused() -> None:
    assert strengths_of("0.5", 3) == (0.5, 0.5, 0.5)
    assert strengths_of("", 2) == (1.0, 1.0)
    assert strengths_of("1, -0.5", 2) == (1.0, -0.5)
    with pytest.raises(RequestError, match="2 strengths for 3 LoRAs"):
        strengths_of("1, 2", 3)
    with pytest.raises(ConfigError):
        strengths_of("a", 1)


def test_the_report_says_where_a_lora_acts_and_its_metadata_stay_text(mixer: Mixer) -> None:
    reports = [mixer.inspect("line_art"), mixer.inspect("night_sky")]
    rows = place_rows(reports)
    assert {row[0] for row in rows} == {"line_art", "night_sky"}
    assert all("/" in row[2] for row in rows)
    assert left_rows(reports) == []
    metadata = metadata_rows(mixer, ["line_art"])
    assert metadata
    assert all(len(value) <= 501 for _, _, value in metadata)


def test_plots_are_sizes_by_block_and_cosines_of_several(mixer: Mixer) -> None:
    alone = plots_of(mixer.overlap(["line_art"]))
    assert (alone["pairs"], alone["byBlock"]) == (None, None)
    assert [len(sizes) for sizes in alone["sizes"]] == [len(alone["blocks"])]
    both = plots_of(mixer.overlap(["line_art", "sepia"]))
    assert [both["pairs"]["values"][i][i] for i in (0, 1)] == [pytest.approx(1.0)] * 2
    assert both["pairs"]["columns"] == ["line_art", "sepia"]
    assert len(both["byBlock"]["values"]) == len(both["blocks"])


@pytest.mark.parametrize("name", ["tabs/inspect.py", "tabs/picture_info.py", "tabs/tables.py", "tabs/runner.py"])
def test_no_tab_has_a_component_that_shows_html(name: str) -> None:
    import lora_mixer_app.web as web

    source = (Path(web.__file__).parent / name).read_text()
    assert not any(word in source for word in ("gr.HTML", "sanitize_html", '"html"', '"markdown"'))


def test_every_sentence_stands_in_the_table_once_and_its_blanks_are_the_same_in_both_languages() -> None:
    import string

    def blanks(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert len({word.key for word in WORDS}) == len(WORDS)
    for word in WORDS:
        assert blanks(word.english) == blanks(word.chinese), word.key
