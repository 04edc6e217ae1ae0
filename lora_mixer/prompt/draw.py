"""Draw a prompt from a template."""

from __future__ import annotations

import random
from collections.abc import Iterable

from lora_mixer.errors import PromptError
from lora_mixer.prompt.choices import (
    Values,
    deeper,
    options_of,
    pick,
    value_of,
    way,
    ways,
    with_value,
    wrapped,
)
from lora_mixer.prompt.limits import MAX_LETTERS
from lora_mixer.prompt.template_nodes import Assignment, Choice, Options, TemplateNode, Variable, Wildcard, Wrap
from lora_mixer.prompt.wildcards import Wildcards


class Draw:
    """Draws from templates; one draw after the other from one seed.

    Args:
        seed: The seed of the draws.
        wildcards: Where wildcards are found.
        limit: The most replacements of choices, wildcards and variables.
    """

    def __init__(self, seed: int, wildcards: Wildcards, limit: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 a draw that can be repeated, no secret
        self._seed = self._combined = seed
        self._wildcards = wildcards
        self._limit = limit
        self._left = limit
        self._letters = 0
        self._values: Values = {}

    def text(self, nodes: Iterable[TemplateNode], depth: int = 0) -> str:
        """Return a text drawn from some nodes.

        Raises:
            PromptError: A wildcard or variable is unknown or names itself, or the text grows too large.
        """
        return "".join(self._node(node, depth) for node in nodes)

    def _node(self, node: TemplateNode, depth: int) -> str:
        if isinstance(node, str):
            return self._plain(node)
        self._left -= 1
        if self._left < 0:
            raise PromptError(f"the template replaces more than {self._limit:,} things", remedy="Make it smaller.")
        if isinstance(node, Choice):
            return self._choice(node, depth)
        if isinstance(node, Wrap):
            return wrapped(self.text(node.wrapper, depth), self.text(node.inner, depth))
        if isinstance(node, Variable):
            return self.text(value_of(self._values, node), deeper(node, depth))
        return self._assign(node, depth) if isinstance(node, Assignment) else self._wildcard(node, depth)

    def _plain(self, text: str) -> str:
        self._letters += len(text)
        if self._letters > MAX_LETTERS:
            raise PromptError("the prompt drawn is too long", remedy=f"{MAX_LETTERS:,} letters are the most.")
        return text

    def _assign(self, node: Assignment, depth: int) -> str:
        if not (node.kept and node.name in self._values):
            value = (self.text(node.nodes, depth),) if node.at_once else node.nodes
            self._values = with_value(self._values, node.name, value)
        return ""

    def _wildcard(self, node: Wildcard, depth: int) -> str:
        name = self.text(node.path, depth) if node.path else node.name
        if node.source is not None and not self._wildcards.knows(name):
            return self._plain(node.source)
        options = self._wildcards.options(name, at=node.at)
        places = self._places(options, 1, 1, node.turn) if options else []
        before = self._values
        for variable, nodes in node.given:
            self._values = with_value(self._values, variable, (self.text(nodes, depth),))
        drawn = "".join(self.text(options[place].nodes, deeper(node, depth)) for place in places)
        if node.given:
            self._values = before
        return drawn

    def _choice(self, node: Choice, depth: int) -> str:
        options = options_of(self._wildcards, node)
        low, high = min(node.low, len(options)), min(node.high, len(options))
        places = self._places(options, low, high, node.turn) if options else []
        return node.joiner.join(self.text(options[place].nodes, depth + 1) for place in places)

    def _places(self, options: Options, low: int, high: int, turn: str) -> list[int]:
        """Return which options are chosen: by lot, or as their turn comes while seeds count up."""
        if turn not in {"@", "!"}:
            count = low + int(self._random.random() * (high - low + 1))
            return pick(options, count, self._random)
        number = ways(len(options), low, high)
        if turn == "@":
            return way(len(options), low, high, self._seed % number)
        self._combined, index = divmod(self._combined, number)
        return way(len(options), low, high, index)
