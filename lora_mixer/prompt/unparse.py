"""A tree back to text: `parse(unparse(prompt)) == prompt`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from lora_mixer.prompt.nodes import (
    ROUND,
    SQUARE,
    Alternate,
    Break,
    Clause,
    Keyframes,
    LoraTag,
    Node,
    Prompt,
    Switch,
    Text,
    Weighted,
    When,
)

_TAG = r"<(?=\s*\w+\s*(?::|\Z))"  # what ends the text may be followed by the colon of a weight or a schedule
_PLAIN = re.compile(rf"[\\()\[\]#]|{_TAG}|\b(?=BREAK\b|AND\b)")
_SEPARATORS = re.compile(rf"[\\()\[\]#:|]|{_TAG}|\b(?=BREAK\b|AND\b)")


def unparse(prompt: Prompt) -> str:
    """Return text that reads as this prompt in the default grammar."""
    alone = len(prompt.clauses) == 1
    method = "" if prompt.method is None else f"<mix:{prompt.method}>"
    return method + " AND ".join(_clause(clause, alone=alone) for clause in prompt.clauses)


def decimal(value: float) -> str:
    """Return a number without an exponent.

    >>> decimal(1e-07), decimal(1.0), decimal(-0.5)
    ('0.0000001', '1', '-0.5')
    """
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def _clause(clause: Clause, *, alone: bool) -> str:
    text = _nodes(clause.children, inside=not alone)
    return text if alone or clause.weight == 1.0 else f"{text} :{decimal(clause.weight)}"


def _nodes(nodes: Iterable[Node], *, inside: bool) -> str:
    return "".join(_node(node, inside=inside) for node in nodes)


def _node(node: Node, *, inside: bool) -> str:
    if isinstance(node, Text):
        return (_SEPARATORS if inside else _PLAIN).sub(lambda match: "\\" + match[0], node.text)
    if isinstance(node, Break):
        return " BREAK "
    if isinstance(node, Weighted):
        return _weighted(node)
    if isinstance(node, Switch):
        before, after = (_nodes(side, inside=True) for side in (node.before, node.after))
        return f"[{before}:{after}:{_when(node.when)}]"
    if isinstance(node, Alternate):
        return f"[{'|'.join(_nodes(option, inside=True) for option in node.options)}]"
    return tag_text(node)


def _weighted(node: Weighted) -> str:
    text = _nodes(node.children, inside=True)
    if not isinstance(node.weight, float):
        return f"({text}:{_node(node.weight, inside=True)})"
    if node.weight == ROUND:
        return f"({text})"
    return f"[{text}]" if node.weight == SQUARE else f"({text}:{decimal(node.weight)})"


def _when(when: When) -> str:
    text = decimal(when.value)
    return f"{text}.0" if when.fraction and "." not in text else text


def tag_text(tag: LoraTag) -> str:
    """Return text that reads as this tag."""
    parts = [tag.name, _strength(tag.text)]
    if tag.denoiser is not None:
        parts.append(_strength(tag.denoiser))
    named = {"dyn": tag.rank, "lbw": tag.blocks_text, "lbwe": tag.elements_text, "stop": tag.stop}
    if tag.start != 1:
        parts.append(f"start={tag.start}")
    parts += [f"{key}={value}" for key, value in named.items() if value is not None]
    second = {"hrte": tag.hires_text, "hrunet": tag.hires_denoiser}
    parts += [f"{key}={_strength(value)}" for key, value in second.items() if value is not None]
    return f"<lora:{':'.join(parts)}>"


def _strength(strength: float | Keyframes) -> str:
    if not isinstance(strength, Keyframes):
        return decimal(strength)
    return ",".join(f"{decimal(weight)}@{decimal(position)}" for position, weight in strength.points)
