"""Templates of prompts: `{a|b}`, `{2$$a|b|c}` and `__name__`, read into a tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from lora_mixer.errors import PromptError
from lora_mixer.prompt.limits import refuse_too_long

MAX_DEPTH = 30
_TOKEN = re.compile(r"\\.|\{|\}|\||\[|\]|__[\w*][\w\-*./ ]*?__|[^\\{}|\[\]_]++|.", re.DOTALL)
_COUNT = re.compile(
    r"\s*+(?P<low>\d{0,9}+)(?P<dash>-?)(?P<high>\d{0,9}+)\s*+\$\$(?:(?P<joiner>[^$|{}]*+)\$\$)?", re.ASCII
)
_SHARE = re.compile(r"\s*+(?P<share>\d++\.?+\d*+|\.\d++)::", re.ASCII)
_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    """`__name__`: one of the lines of a file; `*` and `**` take several files."""

    name: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One side of a choice and its share of the draws."""

    nodes: tuple[TemplateNode, ...]
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`{a|b}`: from `low` to `high` of the options, without repeats, joined."""

    options: tuple[Option, ...]
    low: int = 1
    high: int = 1
    joiner: str = ", "


TemplateNode = str | Wildcard | Choice


@dataclass(slots=True)
class _Open:
    """A brace that waits for its end."""

    at: int
    options: list[list[TemplateNode]] = field(default_factory=lambda: [[]])
    squares: int = 0  # a `|` inside square brackets belongs to them


def read_template(text: str) -> tuple[TemplateNode, ...]:
    r"""Return a template as a tree.

    Braces without a `|` or a count are text, and so is everything after a backslash, which stays for the prompt.

    Raises:
        PromptError: Braces are nested too deep, or it is longer than `MAX_LETTERS`.
    """
    refuse_too_long(text)
    stack = [_Open(0)]
    for match in _TOKEN.finditer(text):
        mark, top = match[0], stack[-1]
        if mark == "{":
            if len(stack) > MAX_DEPTH:
                raise PromptError(
                    "braces are nested too deep", position=match.start(), remedy=f"{MAX_DEPTH} is the most."
                )
            stack.append(_Open(match.start()))
        elif mark == "}" and len(stack) > 1:
            closed = stack.pop()
            stack[-1].options[-1] += _closed(closed)
        elif mark == "|" and len(stack) > 1 and not top.squares:
            top.options.append([])
        else:
            top.squares = max(0, top.squares + (mark == "[") - (mark == "]"))
            top.options[-1].append(_leaf(mark, match.start()))
    while len(stack) > 1:
        rest = stack.pop()
        stack[-1].options[-1] += ["{", *_literal(rest)]
    return _joined(stack[0].options[0])


def _joined(nodes: Iterable[TemplateNode]) -> tuple[TemplateNode, ...]:
    """Return nodes with neighbouring texts in one."""
    joined: list[TemplateNode] = []
    for is_text, group in groupby(nodes, lambda node: isinstance(node, str)):
        run = list(group)
        joined += ["".join(map(str, run))] if is_text else run
    return tuple(node for node in joined if node != "")


def _leaf(text: str, at: int) -> TemplateNode:
    return Wildcard(name=text[2:-2], at=at) if len(text) > 4 and text.startswith("__") else text


def _literal(brace: _Open) -> Iterator[TemplateNode]:
    for place, option in enumerate(brace.options):
        if place:
            yield "|"
        yield from option


def _closed(brace: _Open) -> list[TemplateNode]:
    first = "".join(node for node in _leading_text(brace.options[0]))
    count = _COUNT.match(first)
    if count is None and len(brace.options) == 1:
        return ["{", *_literal(brace), "}"]
    low, high, joiner = 1, 1, ", "
    if count is not None:
        brace.options[0] = _without(brace.options[0], count.end())
        low = min(_MOST, int(count["low"] or 0))
        high = min(_MOST, int(count["high"] or _MOST)) if count["dash"] else low
        joiner = ", " if count["joiner"] is None else count["joiner"]
    options = tuple(_option(nodes) for nodes in brace.options)
    return [Choice(options=options, low=min(low, high), high=max(low, high), joiner=joiner)]


def _leading_text(nodes: list[TemplateNode]) -> Iterator[str]:
    for node in nodes:
        if not isinstance(node, str):
            return
        yield node


def _without(nodes: list[TemplateNode], letters: int) -> list[TemplateNode]:
    """Return nodes less so many letters of their leading text."""
    text = "".join(_leading_text(nodes))
    texts = sum(1 for _ in _leading_text(nodes))
    return [text[letters:], *nodes[texts:]]


def _option(nodes: list[TemplateNode]) -> Option:
    share = _SHARE.match("".join(_leading_text(nodes)))
    if share is None:
        return Option(nodes=_joined(nodes))
    kept = _without(nodes, share.end())
    return Option(nodes=_joined(kept), share=float(share["share"]))
