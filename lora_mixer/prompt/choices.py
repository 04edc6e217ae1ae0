"""Evaluate a template's parts: options of choices, lines of wildcards, variables."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from random import Random

from lora_mixer.errors import PromptError
from lora_mixer.prompt.template_nodes import Choice, Options, TemplateNodes, Variable, Wildcard
from lora_mixer.prompt.wildcards import Wildcards

MAX_REPLACEMENTS = 10_000
MAX_NESTED = 20
MAX_VARIABLES = 1_000
MAX_IN_TURN = 1_000
"""Options that a choice of several goes through in turn."""

_DOTS = re.compile("[\u1801\u2026\u22ee\u22ef\u22f0\u22f1\ufe19]+|\\.{3,}")
"""What a wrapper's place is marked by; source: `commands/wrap_command.py` of dynamicprompts."""

Values = Mapping[str, TemplateNodes]
"""Variables by name."""


def options_of(wildcards: Wildcards, choice: Choice) -> Options:
    """Return a choice's options; `{2$$__colours__}` chooses among the values of its wildcard.

    Raises:
        PromptError: There is no such wildcard, or a line is no template that can be read.
        ConfigError: Its file cannot be read.
    """
    nodes = choice.options[0].nodes
    if len(choice.options) == 1 and len(nodes) == 1:
        (node,) = nodes
        if isinstance(node, Wildcard) and not node.path and (node.source is None or wildcards.knows(node.name)):
            return wildcards.options(node.name, at=node.at)
    return choice.options


def value_of(values: Values, node: Variable) -> TemplateNodes:
    """Return a variable's value.

    Raises:
        PromptError: Nothing was assigned to it, and it has no default.
    """
    value = values.get(node.name, node.default)
    if value is None:
        raise PromptError(
            f"the variable ${{{node.name}}} is not set",
            position=node.at,
            remedy=f"Write ${{{node.name}=...}} before it, or a default: ${{{node.name}:...}}.",
        )
    return value


def with_value(values: Values, name: str, nodes: TemplateNodes) -> Values:
    """Return the variables with one set.

    Raises:
        PromptError: There are too many.
    """
    if len(values) >= MAX_VARIABLES and name not in values:
        raise PromptError(f"the template has more than {MAX_VARIABLES:,} variables", remedy="Make it smaller.")
    return {**values, name: nodes}


def deeper(node: Wildcard | Variable, depth: int) -> int:
    """Return the depth inside a wildcard or variable.

    Raises:
        PromptError: It leads back to itself.
    """
    if depth >= MAX_NESTED:
        said = f"the wildcard __{node.name}__" if isinstance(node, Wildcard) else f"the variable ${{{node.name}}}"
        raise PromptError(f"{said} leads back to itself", position=node.at, remedy="Break the circle.")
    return depth + 1


def wrapped(wrapper: str, inner: str) -> str:
    """Return a text in place of the dots of another, behind it if there are none.

    >>> wrapped("a photo of ..., sharp", "a cat")
    'a photo of a cat, sharp'
    """
    dots = _DOTS.search(wrapper)
    return f"{wrapper}{inner}" if dots is None else f"{wrapper[: dots.start()]}{inner}{wrapper[dots.end() :]}"


def pick(options: Options, count: int, dice: Random) -> list[int]:
    """Draw `count` distinct options by their shares; return their indices."""
    drawn: list[int] = []
    while len(drawn) < min(count, len(options)):
        drawn.append(_one(options, sorted(drawn), dice))
    return drawn


def _one(options: Options, taken: Sequence[int], dice: Random) -> int:
    """Return one that is not among those taken, as if they were not there."""
    mark = dice.random() * (options.sums[-1] - math.fsum(options.share(place) for place in taken))
    for place in taken:
        if mark < options.sums[place] - options.share(place):
            break
        mark += options.share(place)
    place = bisect_right(options.sums, mark)
    free = place if place < len(options) and place not in taken else None
    return next(at for at in range(len(options) - 1, -1, -1) if at not in taken) if free is None else free


def ways(count: int, low: int, high: int) -> int:
    """Count the ways to choose `low` to `high` of `count` options.

    Raises:
        PromptError: There are too many options to go through.
    """
    if low == high == 1:
        return count
    if count > MAX_IN_TURN:
        raise PromptError(
            f"a choice of several goes through {MAX_IN_TURN:,} options in turn, not {count:,}",
            remedy="Leave out the @ or ! before its count.",
        )
    return sum(math.comb(count, size) for size in range(low, high + 1))


def way(count: int, low: int, high: int, index: int) -> list[int]:
    """Return the places of one of the choices `ways` counts, the smaller ones first, each in order.

    >>> [way(3, 1, 2, index) for index in range(6)]
    [[0], [1], [2], [0, 1], [0, 2], [1, 2]]
    """
    if low == high == 1:
        return [index]
    size = low
    while index >= (number := math.comb(count, size)) and size < high:
        index -= number
        size += 1
    places: list[int] = []
    for place in range(count):
        left = size - len(places)
        if left and index < (with_it := math.comb(count - place - 1, left - 1)):
            places.append(place)
        elif left:
            index -= with_it
    return places
