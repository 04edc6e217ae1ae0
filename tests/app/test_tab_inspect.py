"""The inspect tab: reports, metadata as text, and plots whose colours mean the numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer import Mixer
from lora_mixer.errors import ConfigError, RequestError
from lora_mixer_app.web.i18n import WORDS
from lora_mixer_app.web.tabs.inspect import left_rows, metadata_rows, place_rows, strengths_of
from lora_mixer_app.web.tabs.plots import ALIKE, OPPOSED, PAPER, bar_plot, heat, heat_map


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


def test_colours_of_the_heat_map_are_the_cosines() -> None:
    assert heat(0) == PAPER
    assert heat(1) == ALIKE
    assert heat(-1) == OPPOSED
    image = heat_map([[1.0, -1.0], [0.0, 1.0]], ["a", "b"], ["a", "b"])
    found = {colour for _, colour in image.getcolors(1 << 16)}
    assert {ALIKE, OPPOSED} <= found


def test_bars_are_as_long_as_their_values() -> None:
    image = bar_plot([[1.0, 0.5], [0.25, 0.0]], ["a <script>", "猫"], ["te1", "IN01"])
    assert image.width == 900
    assert bar_plot([[0.0]], ["a"], ["MID"]).size


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
