"""Split a prompt at `AND`, with each side's weight."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from typing import NamedTuple

from lora_mixer.prompt.grammars import Grammar
from lora_mixer.prompt.lexer import Token, lex

MAX_SIDES = 1000
"""The most sides of `AND`; each is guided separately at every step."""

_TAIL = re.compile(
    r":\s*+(?P<weight>[-+]?(?:\d*\.\d+|\d+\.?))(?:\s|<\w++:[^<>]*+>|\#[^\n]*+)*$",
    re.ASCII,
)


class ClauseSpan(NamedTuple):
    """One side of `AND` in the text; `weighted` if a trailing `:number` is its weight."""

    start: int
    end: int
    weighted: bool


def clause_spans(text: str, grammar: Grammar, *, negative: bool) -> list[ClauseSpan]:
    """Return the sides of `AND`; a negative prompt has one.

    An `AND` within brackets that close is a word, unless the grammar splits anywhere; so is one beyond `MAX_SIDES`.
    """
    splits: Sequence[Token] = ()
    if "AND" in text and not negative:
        tokens = list(lex(text, 0, len(text), bare_escapes=grammar.bare_escapes))
        splits = [token for token in tokens if token.kind == "and"]
        if not grammar.and_anywhere:
            splits = _outside(splits, _closed(text, tokens))
    splits = splits[: MAX_SIDES - 1]
    starts = [0, *(token.end for token in splits)]
    ends = [*(token.at for token in splits), len(text)]
    weighted = not negative and (bool(splits) or grammar.lone_weight)
    return [ClauseSpan(start, end, weighted) for start, end in zip(starts, ends, strict=True)]


def trailing_weight(text: str, at: int, end: int) -> re.Match[str] | None:
    """Return the match of a clause's weight that begins with the colon at `at`; tags and comments may follow it."""
    return _TAIL.match(text, at, end)


def _closed(text: str, tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return (open, close) of every bracket that closes."""
    waiting: dict[str, list[int]] = {")": [], "]": []}
    pairs: list[tuple[int, int]] = []
    for token in tokens:
        if token.kind == "open":
            for at in range(token.at, token.end):
                waiting[")" if text[at] == "(" else "]"].append(at)
        elif token.kind in {"close", "weight"}:
            places = (at for at in range(token.at, token.end) if waiting.get(text[at]))
            pairs += [(waiting[text[at]].pop(), at) for at in places if waiting[text[at]]]
    return pairs


def _outside(splits: Sequence[Token], pairs: Sequence[tuple[int, int]]) -> list[Token]:
    places = [token.at for token in splits]
    depth = [0] * (len(places) + 1)
    for start, end in pairs:
        depth[bisect(places, start)] += 1
        depth[bisect(places, end)] -= 1
    outside, level = [], 0
    for token, change in zip(splits, depth, strict=False):
        level += change
        if level == 0:
            outside.append(token)
    return outside
