"""The meaning of a closed bracket: a schedule, an alternation, a weight, or plain emphasis."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lora_mixer.errors import PromptError
from lora_mixer.prompt.nodes import Alternate, Break, Node, Switch, Text, When
from lora_mixer.prompt.tags import number

_NEARLY_A_MOMENT = re.compile(r"\s*+[+-]?\d[\d.,]*+\s*+%?+\s*+", re.ASCII)
_FAR = 1e9  # beyond any course of steps


class Separator(NamedTuple):
    """A `:` or `|` that separates, or is text if it turns out to separate nothing."""

    character: str
    at: int


Item = Node | Separator


def settle_separators(items: Iterable[Item]) -> tuple[Node, ...]:
    """Return finished nodes: marks are text, neighbouring texts are one, spaces around `BREAK` are gone."""
    nodes: list[Node] = []
    words: list[str] = []
    at = 0
    for item in items:
        if isinstance(item, Text | Separator):
            at = at if words else item.at
            words.append(item.text if isinstance(item, Text) else item.character)
            continue
        _flush(nodes, words, at, before_break=isinstance(item, Break))
        nodes.append(item)
    _flush(nodes, words, at, before_break=False)
    return tuple(nodes)


def _flush(nodes: list[Node], words: list[str], at: int, *, before_break: bool) -> None:
    text = "".join(words)
    words.clear()
    text = text.rstrip() if before_break else text
    text = text.lstrip() if nodes and isinstance(nodes[-1], Break) else text
    if text:
        nodes.append(Text(text=text, at=at))


def schedule(items: Sequence[Item], at: int) -> Switch | Alternate | None:
    """Return what `[...]` schedules, or None if it is emphasis.

    Raises:
        PromptError: `[a:b:n]` with an n that was meant to be a number and is none.
    """
    marks = [item.character for item in items if isinstance(item, Separator)]
    if "|" in marks:
        return Alternate(options=tuple(settle_separators(part) for part in _split(items, "|")), at=at)
    if len(marks) not in {1, 2}:
        return None
    *texts, last = _split(items, ":")
    when = _when(last, sure=len(texts) == 2)
    if when is None:
        return None
    before, after = texts if len(texts) == 2 else ([], texts[0])
    return Switch(before=settle_separators(before), after=settle_separators(after), when=when, at=at)


def _split(items: Iterable[Item], character: str) -> list[list[Item]]:
    parts: list[list[Item]] = [[]]
    for item in items:
        if isinstance(item, Separator) and item.character == character:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts


def _when(items: Iterable[Item], *, sure: bool) -> When | None:
    nodes = settle_separators(items)
    if len(nodes) != 1 or not isinstance(nodes[0], Text):
        return None
    text = nodes[0].text
    value = number(text)
    if value is not None:
        fraction = "." in text
        value = max(-_FAR, min(_FAR, value))
        return When(value=value if fraction else float(int(value)), fraction=fraction)
    if sure and _NEARLY_A_MOMENT.fullmatch(text):
        raise PromptError(
            f"{text.strip()!r} is not a moment to switch at",
            position=nodes[0].at,
            remedy=r"Use a count of steps like 10, or a fraction with a dot like 0.5 (write \: for a plain colon).",
        )
    return None


def moving_weight(items: Sequence[Item]) -> Switch | Alternate | None:
    """Return the scheduled factor of `(x:[1:1.4:10])`, whose items end in a mark and a schedule of numbers."""
    mark = items[-2] if len(items) > 1 else None
    if not isinstance(mark, Separator) or mark.character != ":":
        return None
    last = items[-1]
    if isinstance(last, Switch) and all(_is_number(side) for side in (last.before, last.after)):
        return last
    if isinstance(last, Alternate) and all(_is_number(option) for option in last.options):
        return last
    return None


def _is_number(nodes: tuple[Node, ...]) -> bool:
    return len(nodes) == 1 and isinstance(nodes[0], Text) and number(nodes[0].text) is not None
