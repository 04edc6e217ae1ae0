"""The prompt's own tags, and how strips join them.

Strips own the mix. Tags in the prompt count too, and are shown as strips of another colour: they add up with strips of
the same name. Tags inside schedules (`[<lora:a:1>:10]`) and in the negative prompt belong to the prompt alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lora_mixer.prompt import LoraTag, Node, Weighted, parse
from lora_mixer_app.web.desk.strip import Strip

Strips = tuple[Strip, ...]


def read_tags(text: str, grammar: str = "default") -> tuple[LoraTag, ...]:
    """Return the tags of a prompt that strips stand for, in the order they stand.

    Raises:
        PromptError: The prompt cannot be read.
    """
    found: list[LoraTag] = []
    waiting: list[Node] = [node for clause in parse(text, grammar=grammar).clauses for node in clause.children]
    while waiting:
        node = waiting.pop()
        if isinstance(node, LoraTag):
            found.append(node)
        elif isinstance(node, Weighted):
            waiting += node.children
    return tuple(sorted(found, key=lambda tag: tag.at))


def without_tags(text: str, grammar: str = "default") -> str:
    """Return a prompt without the tags that strips stand for; everything else in it stays as it stands.

    Raises:
        PromptError: The prompt cannot be read.
    """
    pieces, position = [], 0
    for tag in read_tags(text, grammar):
        end = text.index(">", tag.at) + 1
        pieces.append(text[position : tag.at])
        if text.startswith(" ", end):
            end += 1
        else:
            pieces[-1] = pieces[-1].removesuffix(" ")
        position = end
    return "".join([*pieces, text[position:]])


def with_tags(text: str, strips: Iterable[Strip], grammar: str = "default") -> str:
    """Return a prompt with tags behind it that say what strips say, whether they are on or not.

    Raises:
        PromptError: The prompt cannot be read.
        RequestError: A LoRA's name cannot stand in a tag.
    """
    tags = [strip.tag_text() for strip in strips]
    if not tags:
        return text
    before = len(read_tags(text, grammar))
    whole = f"{text.rstrip(' ')} {' '.join(tags)}".lstrip(" ")
    in_a_comment = len(read_tags(whole, grammar)) != before + len(tags)
    return "\n".join((text, " ".join(tags))) if in_a_comment else whole


def numbered(strips: Iterable[Strip]) -> Strips:
    """Return strips under numbers of their own, from 1."""
    return tuple(replace(strip, number=number) for number, strip in enumerate(strips, start=1))
