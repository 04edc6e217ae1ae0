"""Enumerate every prompt of a template."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lora_mixer.errors import PromptError
from lora_mixer.prompt.choices import (
    MAX_REPLACEMENTS,
    Values,
    deeper,
    options_of,
    value_of,
    with_value,
    wrapped,
)
from lora_mixer.prompt.template_nodes import Assignment, Choice, Option, TemplateNode, Variable, Wildcard, Wrap
from lora_mixer.prompt.wildcards import Wildcards

_Said = tuple[str, Values]  # a text, and the variables as they are behind it


class Enumerator:
    """Enumerates a template's prompts, ignoring how it says to choose; each carries its variables."""

    def __init__(self, wildcards: Wildcards) -> None:
        self._wildcards = wildcards
        self._left = MAX_REPLACEMENTS

    def prompts(self, nodes: Sequence[TemplateNode]) -> Iterator[str]:
        """Yield every prompt, the last choice turning fastest.

        Raises:
            PromptError: A wildcard or variable is unknown or names itself, or one prompt replaces too many things.
        """
        for text, _ in self._texts(nodes, 0, {}):
            self._left = MAX_REPLACEMENTS
            yield text

    def _texts(self, nodes: Sequence[TemplateNode], depth: int, values: Values) -> Iterator[_Said]:
        turning: list[Iterator[_Said]] = []
        parts: list[_Said] = []
        while True:
            now = parts[-1][1] if parts else values
            if len(turning) < len(nodes):
                turning.append(self._node(nodes[len(turning)], depth, now))
            else:
                yield "".join(text for text, _ in parts), now
            while turning:
                part = next(turning[-1], None)
                if part is not None:
                    parts[len(turning) - 1 :] = [part]
                    break
                turning.pop()
            else:
                return

    def _node(self, node: TemplateNode, depth: int, values: Values) -> Iterator[_Said]:
        if isinstance(node, str):
            yield node, values
            return
        self._left -= 1
        if self._left < 0:
            raise PromptError(f"the template replaces more than {MAX_REPLACEMENTS:,} things", remedy="Make it smaller.")
        if isinstance(node, Choice):
            yield from self._choice(node, depth, values)
        elif isinstance(node, Wildcard):
            yield from self._wildcard(node, depth, values)
        elif isinstance(node, Variable):
            yield from self._texts(value_of(values, node), deeper(node, depth), values)
        elif isinstance(node, Wrap):
            for wrapper, between in self._texts(node.wrapper, depth, values):
                for inner, after in self._texts(node.inner, depth, between):
                    yield wrapped(wrapper, inner), after
        else:
            yield from self._assigned(node, depth, values)

    def _wildcard(self, node: Wildcard, depth: int, values: Values) -> Iterator[_Said]:
        given = values
        for name, nodes in node.given:
            given = with_value(given, name, nodes)
        for name, now in self._texts(node.path, depth, values) if node.path else ((node.name, values),):
            if node.source is not None and not self._wildcards.knows(name):
                yield node.source, now
                continue
            for option in self._wildcards.options(name, at=node.at):
                inside = given if node.given else now
                for text, after in self._texts(option.nodes, deeper(node, depth), inside):
                    yield text, values if node.given else after

    def _assigned(self, node: Assignment, depth: int, values: Values) -> Iterator[_Said]:
        if node.kept and node.name in values:
            yield "", values
        elif not node.at_once:
            yield "", with_value(values, node.name, node.nodes)
        else:
            for text, after in self._texts(node.nodes, depth, values):
                yield "", with_value(after, node.name, (text,))

    def _choice(self, node: Choice, depth: int, values: Values) -> Iterator[_Said]:
        options = options_of(self._wildcards, node)
        for count in range(min(node.low, len(options)), min(node.high, len(options)) + 1):
            for places in _combinations(len(options), count):
                chosen = [options[place] for place in places]
                yield from self._texts(_joined(chosen, node.joiner), depth + 1, values)


def _combinations(number: int, size: int) -> Iterator[list[int]]:
    """Yield what `itertools.combinations(range(number), size)` does, but count to `number` only as far as is asked for."""
    places = list(range(size))
    while True:
        yield list(places)
        moving = next((at for at in range(size - 1, -1, -1) if places[at] < number - size + at), None)
        if moving is None:
            return
        places[moving:] = range(places[moving] + 1, places[moving] + 1 + size - moving)


def _joined(options: Sequence[Option], joiner: str) -> list[TemplateNode]:
    nodes: list[TemplateNode] = []
    for place, option in enumerate(options):
        nodes += [joiner] * (place > 0) + list(option.nodes)
    return nodes
