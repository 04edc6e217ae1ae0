"""What errors say in Chinese."""
# ruff: noqa: RUF001 Chinese punctuation

from __future__ import annotations

import pytest

from lora_mixer.errors import RequestError
from lora_mixer.promptfile.ranges import numbers
from lora_mixer_app.web.error_i18n import SENTENCES, error_text, in_chinese


def test_an_error_is_said_in_chinese_and_names_stay() -> None:
    with pytest.raises(RequestError) as caught:
        raise RequestError(
            "there is no LoRA called 'nightsky' among 8", where="prompt", remedy="Did you mean night_sky or line_art?"
        )
    assert (
        error_text(caught.value, "zh") == "prompt：8 个 LoRA 中没有名为 'nightsky' 的。您是指 night_sky 还是 line_art？"
    )
    assert error_text(caught.value, "en") == str(caught.value)


def test_what_the_table_lacks_stays_english_and_loses_nothing() -> None:
    error = RequestError("a thing nobody foresaw", where="here", remedy="Do this. Use 3 to 4.")
    assert error_text(error, "zh") == "here：a thing nobody foresaw。Do this. 请使用 3 到 4。"


def test_the_commonest_errors_are_in_the_table() -> None:
    with pytest.raises(Exception, match="is no number") as caught:
        numbers("0 to 1")
    said = error_text(caught.value, "zh")
    assert "不是数字" in said
    assert "表示从 0 到 1 的五个值" in said


@pytest.mark.parametrize(("english", "chinese"), SENTENCES)
def test_every_row_fills_as_many_blanks_as_it_has(english: str, chinese: str) -> None:
    filled = english.replace("{}", "X9")
    said = in_chinese(filled)
    assert said != filled
    assert "{" not in said
    assert said.count("X9") == english.count("{}") == max(chinese.count("{}"), english.count("{}"))
