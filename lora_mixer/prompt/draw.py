"""One prompt drawn from a template."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence

from lora_mixer.errors import PromptError
from lora_mixer.prompt.choices import Values, deeper, given_in, lines_of, lone, options_of, value_of
from lora_mixer.prompt.limits import MAX_LETTERS
from lora_mixer.prompt.template import Assignment, Choice, Option, TemplateNode, Variable, Wildcard
from lora_mixer.prompt.wildcards import Wildcards


class Draw:
    """Draws from templates; one draw after the other from one seed.

    Args:
        seed: What the draws depend on.
        wildcards: Where wildcards are found.
        limit: How many choices, wildcards and variables may be replaced.
    """

    def __init__(self, seed: int, wildcards: Wildcards, limit: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 a draw that can be repeated, no secret
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
            self._letters += len(node)
            if self._letters > MAX_LETTERS:
                raise PromptError("the prompt drawn is too long", remedy=f"{MAX_LETTERS:,} letters are the most.")
            return node
        self._left -= 1
        if self._left < 0:
            raise PromptError(f"the template replaces more than {self._limit:,} things", remedy="Make it smaller.")
        if isinstance(node, Choice):
            return self._choice(node, depth)
        if isinstance(node, Assignment):
            value = (self.text(node.nodes, depth),) if node.at_once else node.nodes
            self._values = {**self._values, node.name: value}
            return ""
        if isinstance(node, Variable):
            return self.text(value_of(self._values, node), deeper(node, depth))
        return self._wildcard(node, depth)

    def _wildcard(self, node: Wildcard, depth: int) -> str:
        line = lone(self._pick(lines_of(self._wildcards, node), 1))
        before = self._values
        self._values = given_in(node, before)
        drawn = self.text(line, deeper(node, depth))
        if node.given:
            self._values = before
        return drawn

    def _choice(self, node: Choice, depth: int) -> str:
        options = options_of(self._wildcards, node)
        low, high = min(node.low, len(options)), min(node.high, len(options))
        count = low + int(self._random.random() * (high - low + 1))
        drawn = self._pick(options, count)
        return node.joiner.join(self.text(option.nodes, depth + 1) for option in drawn)

    def _pick(self, options: Sequence[Option], count: int) -> list[Option]:
        """Return so many of the options, by their shares, without repeats."""
        left = list(options)
        drawn: list[Option] = []
        while left and len(drawn) < count:
            shares = list(itertools.accumulate(option.share for option in left))
            mark = self._random.random() * shares[-1]
            drawn.append(left.pop(next((i for i, share in enumerate(shares) if mark < share), len(left) - 1)))
        return drawn
