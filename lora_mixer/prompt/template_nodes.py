"""The nodes of a parsed template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import overload

_SHARE = re.compile(r"\s*+(?P<share>\d++\.?+\d*+|\.\d++)::", re.ASCII)
_LARGEST_SHARE = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One side of a choice and its share of the draws."""

    nodes: TemplateNodes
    share: float = 1.0


class Options(Sequence[Option]):
    """A choice's options, found by share in logarithmic time."""

    def __init__(self, options: Iterable[Option]) -> None:
        self._options = tuple(options)

    def __len__(self) -> int:
        return len(self._options)

    @overload
    def __getitem__(self, place: int) -> Option: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Option]: ...
    def __getitem__(self, place: int | slice) -> Option | Sequence[Option]:
        return self._options[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Options) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @cached_property
    def sums(self) -> Sequence[float]:
        """The shares of the first, the first two, ... of the options."""
        return tuple(accumulate(self.share(place) for place in range(len(self))))

    def share(self, place: int) -> float:
        """Return the share of one option."""
        return self._options[place].share


def split_share(text: str) -> tuple[float, str]:
    """Return the share that an option or a line begins with, and the rest of it.

    >>> split_share("2::red"), split_share("red")
    ((2.0, 'red'), (1.0, 'red'))
    """
    found = _SHARE.match(text) if "::" in text else None
    return (min(float(found["share"]), _LARGEST_SHARE), text[found.end() :]) if found else (1.0, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    """`__name__`: one of the lines of a file; `*` and `**` take several files.

    Attributes:
        name: The wildcard, as it is written.
        path: Its name where that is a template, `__colours-{cold|warm}__`; else empty.
        turn: How a line is chosen, as in `Choice`.
        given: Variables that are set inside it, `__name(season=winter)__`.
        source: Its text if it may be no wildcard at all, such as a part of a LoRA's name; else None.
        at: Where it stands.
    """

    name: str
    path: TemplateNodes = ()
    turn: str = ""
    given: tuple[tuple[str, TemplateNodes], ...] = ()
    source: str | None = None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`{a|b}`: from `low` to `high` of the options, without repeats, joined.

    Attributes:
        turn: How they are chosen: `@` in turn as seeds count up; `!` likewise, but so that several of them go through
            all their combinations; else at random.
    """

    options: Options
    low: int = 1
    high: int = 1
    joiner: str = ", "
    turn: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`${name=value}`: what the name stands for from here on, drawn anew at each use.

    Attributes:
        at_once: `=!`: drawn once, now.
        kept: `?=`: a value that is there already stays.
    """

    name: str
    nodes: TemplateNodes
    at_once: bool
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`${name}`: what was assigned to it, else the default of `${name:default}`."""

    name: str
    default: TemplateNodes | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrap:
    """`%{around ... it$$inner}`: the inner text in place of the dots, behind it all if there are none."""

    wrapper: TemplateNodes
    inner: TemplateNodes


TemplateNode = str | Wildcard | Choice | Assignment | Variable | Wrap
TemplateNodes = tuple[TemplateNode, ...]
