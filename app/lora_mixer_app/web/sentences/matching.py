"""Find the row of the table that a sentence is: among those that share the row's rarest word, the most particular first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from lora_mixer_app.web.sentences import SENTENCES

_WORD = re.compile(r"[A-Za-z][A-Za-z_'-]*")


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        english: The sentence, with a `{}` for each blank.
        chinese: The same; `{1}` says which blank where the order differs, `{:zh}` that a sentence stands in it.
        literals: What stands between the blanks of the English.
        nested: Which blanks hold sentences.
    """

    english: str
    chinese: str
    literals: list[str]
    nested: frozenset[int]

    def fillings(self, sentence: str) -> list[str] | None:
        """Return what stands in the blanks, each up to where the text behind it first comes again; None if it is another sentence."""
        first, *others = self.literals
        if not others:
            return [] if sentence == first else None
        if not sentence.startswith(first):
            return None
        *between, last = others
        at, found = len(first), list[str]()
        for literal in between:
            end = sentence.find(literal, at + 1)
            if end < 0:
                return None
            found.append(sentence[at:end])
            at = end + len(literal)
        end = len(sentence) - len(last)
        return [*found, sentence[at:end]] if end > at and sentence.endswith(last) else None


def row_of(sentence: str) -> Row | None:
    """Return the most particular row that a sentence matches as a whole."""
    rows = table()
    places = {place for word in _WORD.findall(sentence) for place in rows.by_word.get(word, ())}
    return next((rows.all[place] for place in sorted(places) if rows.all[place].fillings(sentence) is not None), None)


class RowsByWord(NamedTuple):
    """All rows, the most particular first, and for a word of a sentence the places of the rows to look at."""

    all: tuple[Row, ...]
    by_word: Mapping[str, Sequence[int]]


@cache
def table() -> RowsByWord:
    """Return the table, each row under the rarest of its words."""
    ranked = sorted(SENTENCES, key=lambda row: len(row[0].replace("{}", "")), reverse=True)
    rows = tuple(Row(english, chinese, english.split("{}"), _nested(chinese)) for english, chinese in ranked)
    counts = Counter(word for row in rows for word in set(_sure_words(row.english)))
    by_word: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        rarest = min(_sure_words(row.english), key=lambda word: (counts[word], word))
        by_word.setdefault(rarest, []).append(place)
    return RowsByWord(rows, by_word)


def _nested(chinese: str) -> frozenset[int]:
    """Return the places of the blanks that sentences stand in.

    >>> sorted(_nested("{} ({:zh})")), sorted(_nested("{1} {0:zh}"))
    ([1], [0])
    """
    blanks = re.findall(r"\{(\d*)(:zh)?\}", chinese)
    return frozenset(int(place or at) for at, (place, spec) in enumerate(blanks) if spec)


def _sure_words(english: str) -> Iterator[str]:
    """Yield the words that stand in every sentence of a row: those that touch no blank.

    >>> list(_sure_words("the {}-form of {}s has size{} and more"))
    ['the', 'of', 'has', 'and', 'more']
    """
    for word in _WORD.finditer(english):
        if not re.search(r"\{\}[_'-]*$", english[: word.start()]) and not english.startswith("{}", word.end()):
            yield word[0]
