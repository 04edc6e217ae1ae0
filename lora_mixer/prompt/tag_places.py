"""Locate a prompt's LoRA tags as the parser does, skipping escaped, commented and unfinished ones."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

from lora_mixer.prompt.grammars import grammar_named
from lora_mixer.prompt.lexer import lex
from lora_mixer.prompt.tags import LORA_WORDS, MIX_WORD


class TagPlace(NamedTuple):
    """A tag: `text[at:end]`, angle brackets included, and the name in it, which begins at `name_at`."""

    at: int
    end: int
    name: str
    name_at: int


def tag_places(text: str, *, grammar: str = "default", negative: bool = False) -> tuple[TagPlace, ...]:
    r"""Return the LoRA tags of a prompt or template in their order; whether their numbers are right is not asked.

    >>> [place.name for place in tag_places(r"a <lora:ink:1> \<lora:b:1> <lyco: c >")]
    ['ink', 'c']

    Raises:
        RequestError: There is no such grammar.
    """
    return tuple(_places(text, LORA_WORDS, grammar, negative=negative))


def mix_tag(text: str, *, grammar: str = "default") -> str | None:
    """Return the method that a prompt's `<mix:...>` tag names, as it is written there; None without such a tag.

    >>> mix_tag("cat <mix:ties:density=0.3>")
    'ties:density=0.3'

    Raises:
        RequestError: There is no such grammar.
    """
    place = next(_places(text, (MIX_WORD,), grammar), None)
    return None if place is None else text[place.name_at : place.end - 1].strip()


def _places(text: str, words: Container[str], grammar: str, *, negative: bool = False) -> Iterator[TagPlace]:
    """Yield the tags that begin with one of those words."""
    dialect = grammar_named(grammar)
    if "<" not in text or (negative and not dialect.negative_tags):
        return
    for token in lex(text, 0, len(text), bare_escapes=dialect.bare_escapes):
        if token.kind == "tag":
            word, _, arguments = text[token.at + 1 : token.end - 1].partition(":")
            name = arguments.partition(":")[0]
            if word.lower() in words:
                name_at = token.at + len(word) + 2 + len(name) - len(name.lstrip())
                yield TagPlace(token.at, token.end, name.strip(), name_at)


def without_tags(text: str, named: Callable[[str], bool], *, grammar: str = "default", negative: bool = False) -> str:
    """Return a prompt without the tags whose name is one of those.

    >>> without_tags("a <lora:ink:1> b", lambda name: name == "ink")
    'a  b'
    """
    return rewritten_tags(text, lambda place: "" if named(place.name) else None, grammar=grammar, negative=negative)


def rewritten_tags(
    text: str, rewrite: Callable[[TagPlace], str | None], *, grammar: str = "default", negative: bool = False
) -> str:
    """Return a prompt with what a function makes of each tag in its place; None leaves it as it stands."""
    parts, done = [], 0
    for place in tag_places(text, grammar=grammar, negative=negative):
        new = rewrite(place)
        if new is not None:
            parts += [text[done : place.at], new]
            done = place.end
    return "".join((*parts, text[done:]))
