"""Prompts made to be slow: every one is read in time that grows with its length alone, or refused for its length."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest

from lora_mixer.errors import PromptError
from lora_mixer.prompt import GRAMMARS, Clause, Prompt, Text, expand, find_missing, parse, timeline, unparse
from lora_mixer.prompt.limits import MAX_LETTERS, MAX_TOKENS
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
    lambda n: "${a=" * (n // 4),
    lambda n: "${a=b}" + "${a}" * min(n // 4, 9_000),
    lambda n: "<lora:lbw=" * (n // 10),
    lambda n: "<lora:a:lbw=" + "R," * (n // 2) + "1>",
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


@pytest.mark.parametrize("shard", ["([)]", "(", "[", "()", "(a:1.2)", "[a|b]", "a, ", "word ", "AND ", "\\("])
def test_ten_megabytes_are_read_within_two_seconds_and_little_memory(shard: str) -> None:
    text = shard * (10_000_000 // len(shard))
    for grammar in GRAMMARS:
        seconds = []
        while len(seconds) < 3 and not any(spent < 2 for spent in seconds):  # a neighbour's caches are no fault of ours
            started = time.process_time()
            prompt = parse(text, grammar=grammar.name)
            seconds.append(time.process_time() - started)
        assert min(seconds) < 2
        assert sum(1 for clause in prompt.clauses for _ in walk(clause.children)) < 3 * MAX_TOKENS
    assert expand(text[:1_000_000], seed=1) == text[:1_000_000]


@pytest.mark.parametrize("shard", ["{a|", "__a", "{a}", "<lora:x:1>"])
def test_ten_megabytes_of_what_would_be_lost_are_refused_at_once_with_the_reason(shard: str) -> None:
    text = shard * (10_000_000 // len(shard))
    started = time.process_time()
    with pytest.raises(PromptError, match=r"behind|deep"):
        parse(expand(text, seed=1))
    assert time.process_time() - started < 2


def test_what_stands_behind_all_that_is_read_is_text_with_its_escapes_resolved() -> None:
    filled = "b:"[: MAX_TOKENS % 3]
    marks = "(a)" * (MAX_TOKENS // 3) + filled
    *_, last = parse(marks + r"(b) \# \\ [c|d] BREAK e").clauses[0].children
    assert last == Text(text=filled + "(b) # \\ [c|d] BREAK e")
    again = parse(unparse(Prompt(clauses=(Clause(children=(last,)),))))
    assert again.clauses[0].children == (last,)


def test_a_lora_that_stands_behind_all_that_is_read_is_not_lost_in_silence() -> None:
    with pytest.raises(PromptError, match="a tag stands behind"):
        parse("(a)" * MAX_TOKENS + "<lora:x:1>")
    assert parse("(a)" * MAX_TOKENS + "<lora:x:1>", grammar="a1111", negative=True).clauses


def test_the_longest_prompt_that_is_read_is_read_to_its_end() -> None:
    text = "a" * MAX_LETTERS
    assert parse(text).clauses[0].children[0].text == text
    with pytest.raises(PromptError, match="characters"):
        parse(text + "a")


def test_interleaved_brackets_make_a_tree_that_grows_with_the_text_only() -> None:
    shard = "(" * 50 + "[" * 50 + "a)" * 50 + "]" * 50
    count = sum(1 for _ in walk(parse(shard * 200).clauses[0].children))
    assert count < 2 * len(shard * 200)
