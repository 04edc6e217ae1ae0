"""Templates of prompts: `{a|b}`, `{2$$a|b|c}`, `__name__` and `${name=value}`, read into a tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from lora_mixer.errors import PromptError
from lora_mixer.prompt.limits import MAX_TOKENS, refuse_too_long

MAX_DEPTH = 30
_TOKEN = re.compile(
    r"""
    \\. | \$\$
  | \$\{ \s*+ (?P<variable>[^\W\d]\w*+) \s*+ (?P<how> =\s*+! | = | : | (?=\}) )
  | __ (?P<wildcard>[\w*][\w\-*./ ]*?) (?: \( (?P<given>[^()|{}]*+) \) )? __
  | [^\\{}|\[\]_$]++ | .
    """,
    re.VERBOSE | re.DOTALL,
)
_MEANS = re.compile(r"\{|__")
_GIVEN = re.compile(r"\s*([^\W\d]\w*)\s*=(.*)", re.DOTALL)
_COUNT = re.compile(
    r"\s*+(?P<low>\d{0,9}+)(?P<dash>-?)(?P<high>\d{0,9}+)\s*+\$\$(?:(?P<joiner>[^$|{}]*+)\$\$)?", re.ASCII
)
_SHARE = re.compile(r"\s*+(?P<share>\d++\.?+\d*+|\.\d++)::", re.ASCII)
_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Wildcard:
    """`__name__`: one of the lines of a file; `*` and `**` take several files.

    Attributes:
        name: The wildcard.
        given: Variables that are set inside it, `__name(season=winter)__`: plain texts by name.
        at: Where it stands.
    """

    name: str
    given: tuple[tuple[str, str], ...] = ()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`${name=value}`: what the name stands for from here on, drawn anew at each use; `=!` draws it once, now."""

    name: str
    nodes: tuple[TemplateNode, ...]
    at_once: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """`${name}`: what was assigned to it, else the default of `${name:default}`."""

    name: str
    default: tuple[TemplateNode, ...] | None
    at: int


TemplateNode = str | Wildcard | Choice | Assignment | Variable


@dataclass(slots=True)
class _Open:
    """A brace that waits for its end."""

    at: int
    opening: str = "{"
    variable: str = ""
    how: str = ""
    options: list[list[TemplateNode]] = field(default_factory=lambda: [[]])
    squares: int = 0  # a `|` inside square brackets belongs to them


def read_template(text: str) -> tuple[TemplateNode, ...]:
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
    stack = [_Open(0)]
    for count, match in enumerate(_TOKEN.finditer(text)):
        if count == MAX_TOKENS:
            _finish(stack, text, match.start())
            break
        _take(stack, match)
    while len(stack) > 1:
        rest = stack.pop()
        stack[-1].options[-1] += [rest.opening, *_literal(rest)]
    return _joined(stack[0].options[0])


def _finish(stack: list[_Open], text: str, at: int) -> None:
    """Take the rest of a text as it stands; it must hold no template."""
    if behind := _MEANS.search(text, at):
        raise PromptError(
            f"a template stands behind more than {MAX_TOKENS:,} words and signs",
            position=behind.start(),
            remedy="Make it smaller.",
        )
    stack[-1].options[-1].append(text[at:])


def _take(stack: list[_Open], match: re.Match[str]) -> None:
    mark, top = match[0], stack[-1]
    if mark == "{" or match["variable"]:
        if len(stack) > MAX_DEPTH:
            raise PromptError("braces are nested too deep", position=match.start(), remedy=f"{MAX_DEPTH} is the most.")
        stack.append(_Open(match.start(), mark, match["variable"] or "", (match["how"] or "").replace(" ", "")))
    elif mark == "}" and len(stack) > 1:
        closed = stack.pop()
        stack[-1].options[-1] += [_variable(closed)] if closed.variable else _closed(closed)
    elif mark == "|" and len(stack) > 1 and not top.variable and not top.squares:
        top.options.append([])
    else:
        top.squares = max(0, top.squares + (mark == "[") - (mark == "]"))
        top.options[-1].append(_wildcard(match) if match["wildcard"] else mark)


def _joined(nodes: Iterable[TemplateNode]) -> tuple[TemplateNode, ...]:
    """Return nodes with neighbouring texts in one."""
    joined: list[TemplateNode] = []
    for is_text, group in groupby(nodes, lambda node: isinstance(node, str)):
        run = list(group)
        joined += ["".join(map(str, run))] if is_text else run
    return tuple(node for node in joined if node != "")


def _wildcard(match: re.Match[str]) -> Wildcard:
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
            given.append((said[1], said[2].strip()))
    return Wildcard(name=match["wildcard"], given=tuple(given), at=match.start())


def _variable(brace: _Open) -> Assignment | Variable:
    nodes = _joined(brace.options[0])
    if brace.how.startswith("="):
        return Assignment(name=brace.variable, nodes=nodes, at_once=brace.how.endswith("!"))
    return Variable(name=brace.variable, default=nodes if brace.how else None, at=brace.at)


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
