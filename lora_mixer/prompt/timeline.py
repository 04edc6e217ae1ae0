"""Evaluate a prompt at each step: weighted texts and active LoRAs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from types import MappingProxyType

from lora_mixer.errors import PromptError
from lora_mixer.mixes import ElementWeight, LoraUse, Strength
from lora_mixer.prompt.nodes import (
    Alternate,
    Break,
    Keyframes,
    LoraTag,
    Node,
    Prompt,
    Switch,
    Text,
    Weighted,
    When,
)

BlockReader = Callable[[str], Mapping[str, float]]
ElementReader = Callable[[str], tuple[ElementWeight, ...]]
_LIMIT = 1e9  # nested factors stay finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Text with one weight."""

    text: str
    weight: float = 1.0


Piece = Words | Break


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One side of `AND`, with its weight."""

    text: tuple[Piece, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Steps `start` up to but not including `stop`, counted from 0, during which a prompt stays the same.

    Attributes:
        start: First step.
        stop: The step after the last.
        parts: The sides of `AND`.
        loras: The adapters its tags name that act during these steps.
    """

    start: int
    stop: int
    parts: tuple[Part, ...]
    loras: tuple[LoraUse, ...] = ()


def timeline(
    prompt: Prompt,
    steps: int,
    *,
    blocks: BlockReader | None = None,
    elements: ElementReader | None = None,
    done: int = 0,
    calls: int = 1,
) -> tuple[Span, ...]:
    """Return the spans that cover `steps` steps, in order; neighbours differ.

    Args:
        prompt: The prompt.
        steps: How many steps the course has.
        blocks: Reads block weights (`lbw=`) as the open model's family lays them out.
        elements: Reads weights by kind of layer (`lbwe=`).
        done: Steps of a pass before this one, such as the first of hires fix. Fractions then run from 1 to 2 and
            steps go on counting, as A1111 has it; a LoRA acts as `hr=` says, else its strength over the steps stays
            where it ended.
        calls: How often the sampler calls the model at each step: A1111's grammar counts by it.

    Raises:
        PromptError: A tag asks for weights that `blocks` or `elements` cannot read.
    """
    course = _Course(steps=steps, done=done, calls=calls if prompt.counts_calls else None)
    edges = sorted({0, steps, *(edge for edge in _edges(prompt, course) if 0 < edge < steps)})
    spans: list[Span] = []
    for start, stop in pairwise(edges):
        span = _Reader(prompt, start + 1, course, blocks, elements).span(start, stop)
        if spans and (spans[-1].parts, spans[-1].loras) == (span.parts, span.loras):
            span = replace(span, start=spans.pop().start)
        spans.append(span)
    return tuple(spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """A pass's steps, and how schedules count them.

    Attributes:
        steps: How many there are.
        done: Those of the pass before.
        calls: Calls of the model at each step, if they are what is counted, from 0 as A1111 does; None counts steps
            from 1. Its first two calls are both the first moment: `reconstruct_cond_batch` in its `prompt_parser.py`
            takes the first part that ends at the call's number or later, and no part ends at 0.
    """

    steps: int
    done: int
    calls: int | None

    def passed(self, when: When) -> int:
        """Return the number of steps before a switch."""
        if self.calls is None:
            return when.steps(self.steps, self.done)
        moments = when.steps(self.steps * self.calls, self.done * self.calls)
        return moments // self.calls + 1 if moments else 0

    def chosen(self, node: Switch | Alternate, step: int) -> tuple[Node, ...]:
        """Evaluate a schedule at a step, counted from 1."""
        if isinstance(node, Switch):
            return node.before if step <= self.passed(node.when) else node.after
        moment = step if self.calls is None else max((step - 1) * self.calls, 1)
        return node.options[(moment - 1) % len(node.options)]


def _edges(prompt: Prompt, course: _Course) -> set[int]:
    """Return the counts of finished steps after which something may change."""
    edges: set[int] = set()
    steps, done = course.steps, course.done
    for node in walk(node for clause in prompt.clauses for node in clause.children):
        if isinstance(node, Switch):
            edges.add(course.passed(node.when))
        elif isinstance(node, Alternate):
            edges.update(range(1, steps))
        elif isinstance(node, LoraTag):
            edges.update({node.start - 1 - done, steps if node.stop is None else node.stop - done})
    return edges


def walk(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield nodes and everything inside them, in no particular order."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _inside(node)


def lora_tags(prompt: Prompt) -> list[LoraTag]:
    """Return the LoRA tags of a prompt in their order, wherever they stand."""
    nodes = (node for clause in prompt.clauses for node in walk(clause.children))
    return sorted((node for node in nodes if isinstance(node, LoraTag)), key=lambda tag: tag.at)


def _inside(node: Node) -> list[Node]:
    if isinstance(node, Weighted):
        return [*node.children, *([] if isinstance(node.weight, float) else [node.weight])]
    if isinstance(node, Switch):
        return [*node.before, *node.after]
    if isinstance(node, Alternate):
        return [inner for option in node.options for inner in option]
    return []


class _Reader:
    """A prompt at one step, counted from 1."""

    def __init__(
        self,
        prompt: Prompt,
        step: int,
        course: _Course,
        blocks: BlockReader | None,
        elements: ElementReader | None,
    ) -> None:
        self._prompt = prompt
        self._step = step
        self._course = course
        self._blocks = blocks
        self._elements = elements
        self._loras: list[LoraUse] = []

    def span(self, start: int, stop: int) -> Span:
        """Return the prompt at this step as a span."""
        parts = []
        for clause in self._prompt.clauses:
            pieces: list[Piece] = []
            self._read(clause.children, 1.0, pieces)
            parts.append(Part(text=tuple(_joined(pieces)), weight=clause.weight))
        return Span(start=start, stop=stop, parts=tuple(parts), loras=tuple(self._loras))

    def _read(self, nodes: Iterable[Node], weight: float, pieces: list[Piece]) -> None:
        for node in nodes:
            if isinstance(node, Text):
                pieces.append(Words(text=node.text, weight=weight))
            elif isinstance(node, Break):
                pieces.append(Break())
            elif isinstance(node, Weighted):
                self._read(node.children, _bounded(weight * self._factor(node)), pieces)
            elif isinstance(node, LoraTag):
                self._use(node)
            else:
                self._read(self._course.chosen(node, self._step), weight, pieces)

    def _factor(self, node: Weighted) -> float:
        if isinstance(node.weight, float):
            return node.weight
        (text,) = self._course.chosen(node.weight, self._step)
        return float(text.text) if isinstance(text, Text) else 1.0

    def _use(self, tag: LoraTag) -> None:
        step = self._step + self._course.done
        if step < tag.start or (tag.stop is not None and step > tag.stop):
            return
        self._loras.append(LoraUse(name=tag.name, strength=self._strength(tag)))

    def _strength(self, tag: LoraTag) -> Strength:
        denoiser = self._denoiser(tag)
        said = tag.hires_text if self._course.done and tag.hires_text is not None else tag.text
        text = said.points[0][1] if isinstance(said, Keyframes) else said
        curve = denoiser.curve(self._course.steps) if isinstance(denoiser, Keyframes) else None
        factor = 1.0 if isinstance(denoiser, Keyframes) else denoiser
        return Strength(
            factor,
            text=None if text == factor else text,
            blocks=self._block_weights(tag),
            curve=curve,
            negative=self._prompt.negative,
            rank=tag.rank,
            elements=self._element_weights(tag),
        )

    def _denoiser(self, tag: LoraTag) -> float | Keyframes:
        """Return the strength on the denoiser in this pass; one over the steps of the pass before stays where it ended."""
        done = self._course.done
        if done and tag.hires_denoiser is not None:
            return tag.hires_denoiser
        given = tag.text if tag.denoiser is None else tag.denoiser
        return given.curve(done).at(1.0) if done and isinstance(given, Keyframes) else given

    def _block_weights(self, tag: LoraTag) -> Mapping[str, float]:
        if tag.blocks_text is None:
            return MappingProxyType({})
        if self._blocks is None:
            raise PromptError(
                f"the block weights of the LoRA {tag.name!r} cannot be read here",
                position=tag.at,
                remedy="Leave out lbw=.",
            )
        return self._blocks(tag.blocks_text)

    def _element_weights(self, tag: LoraTag) -> tuple[ElementWeight, ...]:
        if tag.elements_text is None:
            return ()
        if self._elements is None:
            raise PromptError(
                f"the element weights of the LoRA {tag.name!r} cannot be read here",
                position=tag.at,
                remedy="Leave out lbwe=.",
            )
        return self._elements(tag.elements_text)


def _joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield pieces with neighbouring words of one weight in one."""
    for weight, group in groupby(pieces, lambda piece: piece.weight if isinstance(piece, Words) else None):
        if weight is None:
            yield from group
        else:
            yield Words(text="".join(piece.text for piece in group if isinstance(piece, Words)), weight=weight)


def _bounded(weight: float) -> float:
    return max(-_LIMIT, min(_LIMIT, weight))
