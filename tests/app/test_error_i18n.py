"""What errors say in Chinese."""
# ruff: noqa: RUF001 Chinese punctuation

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

import pytest

import lora_mixer
import lora_mixer_app
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


ENGINE, APP = (Path(next(iter(package.__path__))) for package in (lora_mixer, lora_mixer_app))
ROOMS = (APP / "web", APP / "serving", ENGINE / "settings", ENGINE / "prompt", ENGINE / "trainer" / "apart")
"""What people write on the page is read, checked and kept in these."""
ELSEWHERE = {"api.py", "mixing_api.py", "server.py", "listen.py"}
"""What scripts and the terminal are answered."""
PIECED = {"X9There are: X9.", "X9There are: X9. Put \\ before the < if it is text.", "X9 Use a dot for fractions."}
"""Remedies put together of sentences, which are rows of their own."""


def sentences(file: Path) -> Iterator[str]:
    """Yield what a file's errors say, and their remedies, each blank filled."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        kind = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and kind.endswith("Error") and not hasattr(builtins, kind):
            for said in [*node.args[:1], *(word.value for word in node.keywords if word.arg == "remedy")]:
                if isinstance(said, ast.Constant) and isinstance(said.value, str):
                    yield said.value
                elif isinstance(said, ast.JoinedStr):
                    yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X9" for part in said.values)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_whatever_the_page_reads_is_refused_in_chinese_too(room: Path) -> None:
    files = [file for file in sorted(room.rglob("*.py")) if file.name not in ELSEWHERE]
    said = {sentence for file in files for sentence in sentences(file)} - PIECED
    assert len(said) > 5
    assert sorted(sentence for sentence in said if in_chinese(sentence) == sentence) == []
