"""What errors say in Chinese."""
# ruff: noqa: RUF001 Chinese punctuation

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lora_mixer import Mixer
from lora_mixer.choices import PRESETS
from lora_mixer.errors import PromptError, RequestError
from lora_mixer.prompt import parse
from lora_mixer.promptfile.ranges import numbers
from lora_mixer.trainer.memory import Memory
from lora_mixer_app.web.error_i18n import error_text, in_chinese, line_text, parted
from lora_mixer_app.web.sentences import ROOMS, SENTENCES, matching
from lora_mixer_app.web.sentences.matching import row_of
from tests.support.said_in_source import BLANK, PACKAGES, notes, sentences


def test_an_error_is_said_in_chinese_and_names_stay() -> None:
    with pytest.raises(RequestError) as caught:
        raise RequestError(
            "there is no LoRA called 'nightsky' among 8", where="prompt", remedy="Did you mean night_sky or line_art?"
        )
    assert (
        error_text(caught.value, "zh") == "提示词：8 个 LoRA 中没有名为 'nightsky' 的。您是指 night_sky 还是 line_art？"
    )
    assert error_text(caught.value, "en") == str(caught.value)


def test_where_something_is_wrong_is_said_without_folders_and_as_the_page_calls_it() -> None:
    error = RequestError("there are no pictures", where="/home/ada/squares/pictures")
    assert error_text(error, "zh") == line_text(str(error), "zh") == "图片：没有图片"
    assert error_text(error, "en") == line_text(str(error), "en") == "pictures: there are no pictures"
    assert error_text(RequestError("'x' is no number", where="steps"), "zh") == "步数：'x' 不是数字"


@pytest.mark.parametrize("text", ["cat <lora:pix", "cat <mix:ties", "cat <region:0,0"])
def test_what_is_not_finished_is_called_something_in_chinese(text: str) -> None:
    with pytest.raises(PromptError, match="never ends") as caught:
        parse(text)
    said = error_text(caught.value, "zh")
    assert re.search("没有结束。请在末尾加上 >，如 <", said)
    assert "a " not in said


def test_what_the_table_lacks_stays_english_and_loses_nothing() -> None:
    error = RequestError("a thing nobody foresaw", where="here", remedy="Do this. Use 3 to 4.")
    assert error_text(error, "zh") == "here：a thing nobody foresaw。Do this. 请使用 3 到 4。"


def test_the_commonest_errors_are_in_the_table() -> None:
    with pytest.raises(Exception, match="is no number") as caught:
        numbers("0 to 1")
    said = error_text(caught.value, "zh")
    assert "不是数字" in said
    assert "表示从 0 到 1 的五个值" in said


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__.rpartition(".")[2])
def test_every_row_fills_as_many_blanks_as_it_has_and_is_found_by_itself(room: Any) -> None:
    for english, chinese in room.SENTENCES:
        first, *others = english.split("{}")
        names = [f"{BLANK}{place}" for place, _ in enumerate(others)]
        filled = first + "".join(name + literal for name, literal in zip(names, others, strict=True))
        found = row_of(filled)
        said = in_chinese(filled)
        assert found is not None, english
        assert (found.english, found.chinese) == (english, chinese)
        assert said != filled, english
        assert "{}" not in said, english
        assert [said.count(name) for name in names] == [1] * len(names), english


def test_no_sentence_has_two_rows() -> None:
    doubled = [english for english, count in Counter(english for english, _ in SENTENCES).items() if count > 1]
    assert doubled == []


def test_a_sentence_is_looked_for_among_few_rows() -> None:
    rows = {room.__name__: len(room.SENTENCES) for room in ROOMS}
    among = max(map(len, matching.table().by_word.values()))
    assert sum(rows.values()) > 900
    assert among <= 12, "rows that share their rarest word are tried one by one"


@pytest.mark.parametrize(
    ("line", "chinese"),
    [
        ("ink.safetensors: the file is empty. Download it again.", "ink.safetensors：文件为空。请重新下载。"),
        ("it is cut short", "它不完整"),
        ("there is no LoRA called 'a. b'. Did you mean ab?", "没有名为 'a. b' 的 LoRA。您是指 ab 吗？"),
        ("the file is empty; nobody foresaw this", "文件为空；nobody foresaw this"),
        ("nobody foresaw this: at all; not, ever. Never", "nobody foresaw this: at all; not, ever. Never"),
        (
            "one mix over 20 steps: cheaper than the side path by fixed costs",
            "单个混音，20 步：按固定开销比旁路更省",
        ),
        ("steps: should be a valid integer, not 'x'", "steps：应为有效整数，而不是 'x'"),
        ("--tiling has no effect: pictures are not made to tile", "--tiling 不起作用：不生成可平铺的图片"),
        ("made for the embedded emoji model (metadata x)", "为内置 emoji 模型制作（元数据 x）"),
        ("a.toml, line 3, key x: the file is empty", "a.toml，第 3 行，键 x：文件为空"),
        (
            "made for Stable Diffusion 1.x (modules of a UNet, cross attention 768 wide), and the open model is SDXL",
            "为 Stable Diffusion 1.x 制作（UNet 的模块，交叉注意力宽 768），而当前模型为 SDXL",
        ),
        (
            "ink: this is no file that torch.save wrote: the pickle ends early. Take the .safetensors version of it.",
            "ink：这不是 torch.save 写出的文件：pickle 提前结束。请使用其 .safetensors 版本。",
        ),
    ],
)
def test_a_line_that_an_error_became_is_said_in_chinese_too(line: str, chinese: str) -> None:
    assert line_text(line, "zh") == chinese
    assert line_text(line, "en") == line


APART = {
    "lora_mixer/export": "weights are written by the command line and by Python only",
    "lora_mixer/workers": "the page renders in its own process; workers and Ray are the command line's",
    "lora_mixer/mixer/baking.py": "as for export",
    "lora_mixer/runs/check.py": "checks of `lora-mixer check`",
    "lora_mixer/runs/check_setup.py": "checks of `lora-mixer check`",
    "lora_mixer_app/cli": "the command line",
    "lora_mixer_app/web/api.py": "what scripts are answered",
    "lora_mixer_app/web/mixing_api.py": "what scripts are answered",
    "lora_mixer_app/web/server.py": "what the terminal is told before there is a page",
    "lora_mixer_app/serving/listen.py": "what the terminal is told before there is a page",
}
"""Whose sentences never reach the page, and why."""
PARTS = {
    "there is no X9",
    "there is no X9 X9",
    "unknown column X9; X9",
    "X9 of X9's weights X9, first X9",
    "X9, not",
    "X9 X9",
    "`ia3` is X9, the layer has X9 X9puts",
    "preset X9: X9, X9, cfg X9",
    "the X9 is X9, was X9",
    "X9 asked for no longer, now in X9",
    "says X9, and X9 is X9",
    "says rank X9 of X9, whose tensors have X9",
    "one mix over X9: cheaper than X9 on any machine",
}
"""What the source puts together of more than is seen there; each of their wholes is a row."""
HANDED_ON = {"unknown": "there is no {} X9", "require_equal": "{}: X9 does not fit X9"}
"""Functions that put what they are given into a sentence."""


def rooms() -> Iterator[tuple[str, list[Path]]]:
    """Yield the rooms whose sentences can reach the page, with their files."""
    by_room: dict[str, list[Path]] = {}
    for name, package in PACKAGES.items():
        for file in sorted(package.rglob("*.py")):
            path = f"{name}/{file.relative_to(package).as_posix()}"
            if not any(path == apart or path.startswith(f"{apart}/") for apart in APART):
                by_room.setdefault("/".join(path.split("/")[:2]), []).append(file)
    yield from by_room.items()


def lacking(sentence: str) -> bool:
    """Return whether a sentence has no row, or only one whose blanks take up words of ours."""
    row = row_of(sentence)
    if row is None or sentence in PARTS:
        return sentence not in PARTS
    return any(
        place not in row.nested and re.search(r"(?<![.\w])[a-z]{2}", filled) and f"`{filled}`" not in sentence
        for place, filled in enumerate(row.fillings(sentence) or ())
    )


@pytest.mark.parametrize(("room", "files"), list(rooms()), ids=lambda value: value if isinstance(value, str) else "")
def test_whatever_can_reach_the_page_is_refused_in_chinese_too(room: str, files: list[Path]) -> None:
    said = {sentence.strip() for file in files for sentence in sentences(file, HANDED_ON)} - {"", BLANK}
    pieces = {piece for sentence in said for piece in ([sentence] if row_of(sentence) else parted(sentence))}
    assert sorted(filter(lacking, pieces)) == []


NOTING = ("mixer", "images", "blend", "runs", "ledger", "trainer", "keys", "mapping", "catalog")
"""Rooms that note of their work what the page shows."""


@pytest.mark.parametrize("room", NOTING)
def test_whatever_is_noted_is_noted_in_chinese_too(room: str) -> None:
    files = sorted((PACKAGES["lora_mixer"] / room).rglob("*.py"))
    noted = {note for file in files for note in notes(file) if " " in note.replace(BLANK, "").strip()}
    assert noted
    assert sorted(note for note in noted if lacking(note)) == []


def test_what_a_preset_wants_is_said_in_chinese() -> None:
    wants = [preset.wants for preset in PRESETS if preset.wants]
    assert wants
    assert [text for text in wants if row_of(text) is None] == []


def test_what_an_inspection_says_is_in_the_table() -> None:
    with Mixer.open() as mixer:
        names = [entry.name for entry in mixer.library.entries[:2]]
        lines = [line for name in names for line in mixer.inspect(name).sentences()]
        lines += mixer.overlap(names).warnings((3.0, 3.0))
    assert lines
    said = [line_text(line, "zh") for line in lines]
    assert [line for line in said if re.search(r"\b(made|model|changes|of|in|wide|calls|are|by)\b", line)] == []


def test_the_memory_of_a_training_is_told_in_one_language() -> None:
    note = f"84 layers learn; about {Memory(weights=10**9, adapters=0, activations=2 * 10**9)}"
    assert line_text(note, "zh") == "训练 84 层；约需 3.0 GB 内存（模型 1.0，适配器与优化器 0.0，激活值 2.0）"
