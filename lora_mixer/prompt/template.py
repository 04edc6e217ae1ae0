"""Templates of prompts: `{a|b}`, `{2$$a|b|c}`, `__name__`, `${name=value}` and `%{around ...$$a}`, read into a tree.

The syntax is that of dynamicprompts (`parser/parse.py` of adieyal/dynamicprompts), which this was held against.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from lora_mixer.errors import PromptError
from lora_mixer.prompt.limits import MAX_TOKENS, refuse_too_long
from lora_mixer.prompt.tag_places import tag_places
from lora_mixer.prompt.template_nodes import (
    Assignment,
    Choice,
    Option,
    Options,
    TemplateNode,
    TemplateNodes,
    Variable,
    Wildcard,
    Wrap,
    split_share,
)

MAX_DEPTH = 30
_BRACES = r"\$?+\{(?:[^{}]++|\{[^{}]*+\})*\}"  # in the name of a wildcard: two levels, no more
_TOKEN = re.compile(
    rf"""
    \\. | \$\$ | %\{{
  | \$\{{ \s*+ (?P<variable>[^\W\d][\w\-]*+) \s*+ (?P<how> \?=\s*+! | \?= | =\s*+! | = | : | (?=\}}) )
  | __ (?P<turn>[~!@]?+) (?P<wildcard>(?:[\w*]|{_BRACES})(?:[\w\-*./ ]|{_BRACES})*?) (?: \( (?P<given>[^()]*+) \) )? __
  | (?P<brace>\{{) (?:
        (?= \s*+ (?: [~!@] | [\d\-]++ \s*+ \$\$ ) ) \s*+ (?P<sampler>[~!@]?+) \s*+
        (?: (?P<low>\d{{0,9}}+)(?P<dash>-?+)(?P<high>\d{{0,9}}+) \s*+ (?P<count>\$\$) (?: (?P<joiner>[^${{}}]*+) \$\$ )? )?
    )?
  | [^\\{{}}|\[\]_$%]++ | .
    """,
    re.VERBOSE | re.DOTALL,
)
_MEANS = re.compile(r"\{|__")
_GIVEN = re.compile(r"\s*+([^\W\d][\w\-]*+)\s*+=(.*)", re.DOTALL)
_MOST = 100


@dataclass(slots=True)
class _Open:
    """An open brace."""

    match: re.Match[str]
    options: list[list[TemplateNode]] = field(default_factory=lambda: [[]])
    squares: int = 0  # a `|` inside square brackets belongs to them

    @property
    def wraps(self) -> bool:
        return self.match[0] == "%{"

    @property
    def divider(self) -> str:
        """What parts its options."""
        return "$$" if self.wraps else "|"


class _Reader:
    """Reads one template."""

    def __init__(self, text: str) -> None:
        self._text = text
        places = tag_places(text) if "__" in text else ()
        self._tag_starts = [place.at for place in places]
        self._tag_ends = [place.end for place in places]
        self._outside: list[TemplateNode] = []
        self._stack: list[_Open] = []

    def read(self) -> TemplateNodes:
        """Return its nodes."""
        for count, match in enumerate(_TOKEN.finditer(self._text)):
            if count == MAX_TOKENS:
                self._finish(match.start())
                break
            self._take(match)
        while self._stack:
            rest = self._stack.pop()
            self._here += [rest.match[0], *_literal(rest)]
        return _joined(self._outside)

    @property
    def _here(self) -> list[TemplateNode]:
        """The nodes that the next one is added to."""
        return self._stack[-1].options[-1] if self._stack else self._outside

    @_here.setter
    def _here(self, nodes: list[TemplateNode]) -> None:
        del nodes  # `+=` has put them into the list itself

    def _finish(self, at: int) -> None:
        """Take the rest of a text as it stands; it must hold no template."""
        if behind := _MEANS.search(self._text, at):
            raise PromptError(
                f"a template stands behind more than {MAX_TOKENS:,} words and signs",
                position=behind.start(),
                remedy="Make it smaller.",
            )
        self._here.append(self._text[at:])

    def _take(self, match: re.Match[str]) -> None:
        mark = match[0]
        if match["brace"] or match["variable"] or mark == "%{":
            if len(self._stack) >= MAX_DEPTH:
                raise PromptError(
                    "braces are nested too deep", position=match.start(), remedy=f"{MAX_DEPTH} is the most."
                )
            self._stack.append(_Open(match))
        elif mark == "}" and self._stack:
            closed = self._stack.pop()
            self._here.extend(_closed(closed))
        elif self._stack and self._divides(mark):
            self._stack[-1].options.append([])
        else:
            if self._stack:
                self._stack[-1].squares = max(0, self._stack[-1].squares + (mark == "[") - (mark == "]"))
            self._here.append(self._wildcard(match) if match["wildcard"] else mark)

    def _divides(self, mark: str) -> bool:
        top = self._stack[-1]
        if top.wraps:
            return mark == "$$" and len(top.options) == 1
        return mark == "|" and not top.match["variable"] and not top.squares

    def _wildcard(self, match: re.Match[str]) -> Wildcard:
        name = match["wildcard"]
        built = "{" in name
        return Wildcard(
            name=name,
            path=read_template(name) if built else (),
            turn=match["turn"],
            given=_given(match),
            source=match[0] if self._may_be_text(match) else None,
            at=match.start(),
        )

    def _may_be_text(self, match: re.Match[str]) -> bool:
        """Tell whether underscores may be a name's own: in a LoRA tag, or in the midst of a word."""
        before, after = self._text[: match.start()][-1:], self._text[match.end() : match.end() + 1]
        tag = bisect(self._tag_starts, match.start()) - 1
        return (before.isalnum() and after.isalnum()) or (tag >= 0 and match.end() < self._tag_ends[tag])


def read_template(text: str) -> TemplateNodes:
    r"""Return a template as a tree.

    Braces without a `|`, a count or a variable are text, and so is everything after a backslash, which stays for the
    prompt.

    Raises:
        PromptError: Braces are nested too deep, there is more of the template than is read, or it is longer than
            `MAX_LETTERS`.
    """
    refuse_too_long(text)
    if not _MEANS.search(text):
        return (text,) if text else ()
    return _Reader(text).read()


def _joined(nodes: Iterable[TemplateNode]) -> TemplateNodes:
    """Return nodes with neighbouring texts in one."""
    joined: list[TemplateNode] = []
    for is_text, group in groupby(nodes, lambda node: isinstance(node, str)):
        run = list(group)
        joined += ["".join(map(str, run))] if is_text else run
    return tuple(node for node in joined if node != "")


def _given(match: re.Match[str]) -> tuple[tuple[str, TemplateNodes], ...]:
    given = []
    for pair in (match["given"] or "").split(","):
        if pair.strip():
            said = _GIVEN.fullmatch(pair)
            if said is None:
                raise PromptError(
                    f"{pair.strip()!r} sets no variable",
                    position=match.start("given"),
                    remedy="Write it like __name(season=winter)__.",
                )
            given.append((said[1], read_template(said[2].strip())))
    return tuple(given)


def _literal(brace: _Open) -> Iterator[TemplateNode]:
    for place, option in enumerate(brace.options):
        if place:
            yield brace.divider
        yield from option


def _closed(brace: _Open) -> list[TemplateNode]:
    """Return what a closed brace is."""
    match = brace.match
    if match["variable"]:
        return [_variable(brace)]
    if brace.wraps and len(brace.options) > 1:
        wrapper, inner = map(_joined, brace.options)
        return [Wrap(wrapper=wrapper, inner=inner)]
    if len(brace.options) == 1 and not match["count"]:
        return [match[0], *_literal(brace), "}"]
    low, high, joiner = 1, 1, ", "
    if match["count"]:
        low = min(_MOST, int(match["low"] or 0))
        high = min(_MOST, int(match["high"] or _MOST)) if match["dash"] else low
        joiner = ", " if match["joiner"] is None else match["joiner"]
    options = Options(map(_option, brace.options))
    low, high = sorted((low, high))
    return [Choice(options=options, low=low, high=high, joiner=joiner, turn=match["sampler"] or "")]


def _variable(brace: _Open) -> Assignment | Variable:
    name, how, nodes = brace.match["variable"], brace.match["how"], _joined(brace.options[0])
    if "=" in how:
        return Assignment(name=name, nodes=nodes, at_once=how.endswith("!"), kept=how.startswith("?"))
    return Variable(name=name, default=nodes if how else None, at=brace.match.start())


def _option(nodes: list[TemplateNode]) -> Option:
    read = _joined(nodes)
    if not read or not isinstance(read[0], str):
        return Option(nodes=read)
    share, text = split_share(read[0])
    return Option(nodes=(text, *read[1:]) if text else read[1:], share=share)
