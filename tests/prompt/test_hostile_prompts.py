"""Prompts made to be slow: every one is read in time that grows with its length alone, or refused for its length."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest

from lora_mixer.errors import PromptError
from lora_mixer.prompt import GRAMMARS, expand, find_missing, parse, timeline
from lora_mixer.prompt.limits import MAX_LETTERS
from lora_mixer.prompt.timeline import walk

HOSTILE = (
    "([)]",
    "([])",
    "[a|b]",
    "[(]",
    "(" * 50 + "[" * 50 + "a)" * 50 + "]" * 50,
    "a[b|c]",
    ":1<a:",
    "<lora:",
)
UNFINISHED = (
    lambda n: "[" * 99 + "a)" * (n // 2),
    lambda n: "[a:b:1" + " " * n + "x]",
    lambda n: "[a:" + "1" * n + "x]",
    lambda n: "[:" * (n // 3) + "]" * (n // 3),
    lambda n: "[:x" * (n // 4) + "]" * (n // 4),
    lambda n: "abcdv1" + "_1" * (n // 2) + "+",
    lambda n: "{" + "1" * n + "|a}",
    lambda n: "{a|" + "1" * n + "x}",
    lambda n: " ".join(f"embedding:e{number}" for number in range(n // 14)),
)
TEXTS = (*((lambda n, shard=shard: shard * (n // len(shard))) for shard in HOSTILE), *UNFINISHED)


def seconds(text: str) -> float:
    """Return what reading a text in every way takes."""
    started = time.process_time()
    for grammar in GRAMMARS:
        try:
            prompt = parse(text, grammar=grammar.name)
            timeline(prompt, 2)
            find_missing(prompt, ["abc"])
        except PromptError:
            continue
    with contextlib.suppress(PromptError):
        expand(text, seed=1)
    return time.process_time() - started


@pytest.mark.parametrize("text", TEXTS, ids=map(str, range(len(TEXTS))))
def test_32_times_the_text_takes_nothing_like_1024_times_as_long(text: Callable[[int], str]) -> None:
    small = max(seconds(text(2_000)), 0.002)
    large = min(seconds(text(64_000)) for _ in range(3))  # a garbage collection is not the parser's time
    assert large < 32 * small * 10


@pytest.mark.parametrize("shard", ["([)]", "(", "[", "()", "([", "{a|", "<lora:x:1>"])
def test_ten_megabytes_are_refused_at_once_with_the_reason(shard: str) -> None:
    text = shard * (10_000_000 // len(shard))
    for read in (parse, lambda text: expand(text, seed=1)):
        started = time.process_time()
        with pytest.raises(PromptError, match="characters"):
            read(text)
        assert time.process_time() - started < 2


def test_the_longest_prompt_that_is_read_is_read_to_its_end() -> None:
    text = "a" * MAX_LETTERS
    assert parse(text).clauses[0].children[0].text == text
    with pytest.raises(PromptError, match="characters"):
        parse(text + "a")


def test_interleaved_brackets_make_a_tree_that_grows_with_the_text_only() -> None:
    shard = "(" * 50 + "[" * 50 + "a)" * 50 + "]" * 50
    count = sum(1 for _ in walk(parse(shard * 200).clauses[0].children))
    assert count < 2 * len(shard * 200)
