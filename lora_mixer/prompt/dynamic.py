"""Dynamic prompts: a template drawn at random from a seed, or every prompt it stands for."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lora_mixer.errors import PromptError
from lora_mixer.prompt.limits import MAX_LETTERS
from lora_mixer.prompt.template import Choice, Option, TemplateNode, Wildcard, read_template
from lora_mixer.prompt.wildcards import Wildcards

MAX_REPLACEMENTS = 10_000
_MAX_NESTED = 20


def expand(text: str, *, seed: int, folders: Iterable[Path] = (), limit: int = MAX_REPLACEMENTS) -> str:
    """Return a prompt drawn from a template; the same seed gives the same prompt.

    Args:
        text: The template: `{a|b}`, `{2::a|b}`, `{2$$a|b|c}`, `{1-2$$ and $$a|b}`, `__wildcard__`.
        seed: What the draw depends on.
        folders: Where wildcards lie.
        limit: How many choices and wildcards may be replaced.

    Raises:
        PromptError: A wildcard is unknown or names itself, or the template is too large.
        ConfigError: A wildcard's file cannot be read.

    >>> expand("a {red|red} cat", seed=1)
    'a red cat'
    """
    return _Draw(seed, Wildcards(folders), limit).text(read_template(text))


def combinations(text: str, *, limit: int, folders: Iterable[Path] = ()) -> tuple[str, ...]:
    """Return the first `limit` prompts a template stands for, the last choice turning fastest.

    Raises:
        PromptError: As `expand`.
        ConfigError: As `expand`.

    >>> combinations("{a|b} {c|d}", limit=3)
    ('a c', 'a d', 'b c')
    """
    every = _Every(Wildcards(folders))
    return tuple(itertools.islice(every.texts(read_template(text), 0), limit))


class _Draw:
    def __init__(self, seed: int, wildcards: Wildcards, limit: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 a draw that can be repeated, no secret
        self._wildcards = wildcards
        self._limit = limit
        self._left = limit
        self._letters = 0

    def text(self, nodes: Iterable[TemplateNode], depth: int = 0) -> str:
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
        if isinstance(node, Wildcard):
            return self.text(_lone(self._pick(_values(self._wildcards, node), 1)), _deeper(node, depth))
        options = _options(self._wildcards, node)
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


class _Every:
    def __init__(self, wildcards: Wildcards) -> None:
        self._wildcards = wildcards

    def texts(self, nodes: Sequence[TemplateNode], depth: int) -> Iterator[str]:
        """Yield every text of some nodes, the last one turning fastest."""
        turning: list[Iterator[str]] = []
        parts: list[str] = []
        while True:
            if len(turning) < len(nodes):
                turning.append(self._node(nodes[len(turning)], depth))
            else:
                yield "".join(parts)
            while turning:
                part = next(turning[-1], None)
                if part is not None:
                    parts[len(turning) - 1 :] = [part]
                    break
                turning.pop()
            else:
                return

    def _node(self, node: TemplateNode, depth: int) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        elif isinstance(node, Wildcard):
            for option in _values(self._wildcards, node):
                yield from self.texts(option.nodes, _deeper(node, depth))
        else:
            options = _options(self._wildcards, node)
            for count in range(min(node.low, len(options)), min(node.high, len(options)) + 1):
                for chosen in itertools.combinations(options, count):
                    yield from self._joined(chosen, node.joiner, depth)

    def _joined(self, options: Sequence[Option], joiner: str, depth: int) -> Iterator[str]:
        nodes: list[TemplateNode] = []
        for place, option in enumerate(options):
            nodes += [joiner] * (place > 0) + list(option.nodes)
        yield from self.texts(nodes, depth + 1)


def _lone(options: Sequence[Option]) -> tuple[TemplateNode, ...]:
    return options[0].nodes if options else ()


def _values(wildcards: Wildcards, node: Wildcard) -> tuple[Option, ...]:
    values = wildcards.values(node.name, at=node.at)
    return tuple(Option(nodes=read_template(value)) for value in values)


def _options(wildcards: Wildcards, choice: Choice) -> tuple[Option, ...]:
    """Return a choice's options; `{2$$__colours__}` chooses among the values of its wildcard."""
    nodes = choice.options[0].nodes
    if len(choice.options) == 1 and len(nodes) == 1 and isinstance(nodes[0], Wildcard):
        return _values(wildcards, nodes[0])
    return choice.options


def _deeper(node: Wildcard, depth: int) -> int:
    if depth >= _MAX_NESTED:
        raise PromptError(
            f"the wildcard __{node.name}__ leads back to itself",
            position=node.at,
            remedy="Break the circle in its file.",
        )
    return depth + 1
