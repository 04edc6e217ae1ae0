r"""PEFT's tables of exceptions: names of modules, or regular expressions, and a number for each.

Source: PEFT `utils/other.py` (`get_pattern_key`): the first entry whose `(.*\.)?(ENTRY)$` matches a module's path wins.
The entries come from strangers, so nothing is followed that could take a regular expression for ever: names are looked
up, and of real expressions only a few simple ones are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

MOST_EXPRESSIONS = 16
LONGEST_EXPRESSION = 200
MOST_REPEATS = 2

_NAME = re.compile(r"\^?(?:\w|\\?\.)+\$?")
_REPEAT = re.compile(r"(?<!\\)[*+{]")
_REPEATED_GROUP = re.compile(r"(?<!\\)\)\s*[*+{]|\\\d")


class Patterns:
    """A number for every module whose path one of the entries matches.

    Args:
        table: Names or regular expressions, in the order in which they are tried.

    Raises:
        ValueError: An expression is broken, or not simple enough to be followed.
    """

    def __init__(self, table: Mapping[str, float]) -> None:
        self._whole: dict[str, tuple[int, float]] = {}
        self._ending: dict[str, tuple[int, float]] = {}
        self._expressions: list[tuple[int, re.Pattern[str], float]] = []
        for place, (entry, value) in enumerate(table.items()):
            if _NAME.fullmatch(entry):
                names = self._whole if entry.startswith("^") else self._ending
                names.setdefault(entry.strip("^$").replace("\\", ""), (place, value))
            else:
                self._expressions.append((place, _expression(entry), value))
        if len(self._expressions) > MOST_EXPRESSIONS:
            raise ValueError(
                f"it holds {len(self._expressions)} expressions, more than the {MOST_EXPRESSIONS} followed"
            )

    def get(self, path: str) -> float | None:
        """Return the number for a module, None if no entry means it.

        >>> Patterns({"attn2.to_k": 4, "to_k": 8}).get("down_blocks.0.attn2.to_k")
        4
        """
        return min(self._hits(path), default=(0, None), key=lambda hit: hit[0])[1]

    def _hits(self, path: str) -> Iterator[tuple[int, float]]:
        if path in self._whole:
            yield self._whole[path]
        rest = path
        while rest:
            if rest in self._ending:
                yield self._ending[rest]
            rest = rest.partition(".")[2]
        yield from ((place, value) for place, pattern, value in self._expressions if pattern.match(path))


def _expression(entry: str) -> re.Pattern[str]:
    simple = len(entry) <= LONGEST_EXPRESSION and len(_REPEAT.findall(entry)) <= MOST_REPEATS
    if not simple or _REPEATED_GROUP.search(entry):
        raise ValueError(f"the expression {entry[:60]!r} is not simple enough to be followed")
    try:
        return re.compile(rf"(.*\.)?({entry})$")
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{entry[:60]!r} is no regular expression") from error
