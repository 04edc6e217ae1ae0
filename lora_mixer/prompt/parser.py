"""A prompt as a tree: its sides of `AND`, each with its weight, and what tags say for all of them."""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.errors import PromptError
from lora_mixer.prompt.clause_reader import ClauseReader
from lora_mixer.prompt.clauses import clause_spans
from lora_mixer.prompt.grammars import grammar_named
from lora_mixer.prompt.limits import refuse_too_long
from lora_mixer.prompt.nodes import Clause, Prompt, Text


def parse(text: str, *, grammar: str = "default", negative: bool = False) -> Prompt:
    r"""Return a prompt as a tree.

    Args:
        text: The prompt. `\` before any character makes it plain.
        grammar: A name of `GRAMMARS`.
        negative: Whether it is a negative prompt: then `AND` is a word, and its LoRAs act only on that half of guidance.

    Raises:
        PromptError: A tag or a number in it is wrong, with its position, or it is longer than `MAX_LETTERS`;
            every other text means something.
        RequestError: There is no such grammar.

    >>> parse("a (cat:1.3)").clauses[0].children[1].weight
    1.3
    """
    dialect = grammar_named(grammar)
    refuse_too_long(text)
    parts = [
        ClauseReader(text, part, dialect, negative=negative) for part in clause_spans(text, dialect, negative=negative)
    ]
    clauses = [part.read() for part in parts]
    if len(clauses) > 1:
        clauses = [_trimmed(clause) for clause in clauses]
    hoisted = tuple(tag for part in parts for tag in part.hoisted)
    clauses[0] = replace(clauses[0], children=hoisted + clauses[0].children)
    methods = [method for part in parts for method in part.methods]
    return Prompt(clauses=tuple(clauses), negative=negative, counts_calls=dialect.counts_calls, method=_one(methods))


def _one(methods: list[tuple[str, int]]) -> str | None:
    """Return the method that a prompt's tags name."""
    for method, at in methods[1:]:
        if method != methods[0][0]:
            raise PromptError(
                f"the prompt's LoRAs cannot be blended by {methods[0][0]} and by {method}",
                position=at,
                remedy="Leave one <mix:...> tag.",
            )
    return methods[0][0] if methods else None


def _trimmed(clause: Clause) -> Clause:
    """Return a side of `AND` without the spaces at its ends."""
    children = list(clause.children)
    for place, strip in ((0, str.lstrip), (-1, str.rstrip)):
        if children and isinstance(end := children[place], Text):
            text = strip(end.text)
            children[place : place + 1 or None] = [replace(end, text=text)] if text else []
    return replace(clause, children=tuple(children))
