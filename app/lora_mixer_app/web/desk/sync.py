"""Prompt and strips, two views of one mix.

The rule: **a strip is on exactly when its tag stands in the prompt.** Typing a tag adds a strip or moves the one of its
name; deleting it switches the strip off, and the strip keeps its values. Moving a strip rewrites its own tag where it
stands and not a letter beside; switching it off takes the tag out, and on puts it at the end. Tags inside schedules
(`[<lora:a:1>:10]`) and in the negative prompt are the prompt's alone. Two tags of one name are two strips, whose
strengths add up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lora_mixer.prompt import LoraTag, Node, Weighted, parse
from lora_mixer_app.web.desk.strip import Strip, strip_of

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


def follow(strips: Strips, text: str, known: Callable[[str], bool], grammar: str = "default") -> Strips:
    """Return the strips as a prompt sets them.

    Args:
        strips: The strips so far.
        text: The prompt.
        known: Whether there is a LoRA of a name; the strip of a name that never was goes with its tag.
        grammar: How the prompt is read.

    Raises:
        PromptError: The prompt cannot be read.
    """
    waiting: dict[str, list[LoraTag]] = defaultdict(list)
    for tag in read_tags(text, grammar):
        waiting[tag.name].append(tag)
    told: dict[int, Strip] = {}
    for strip in sorted(strips, key=lambda strip: not strip.on):
        if waiting[strip.name]:
            told[strip.number] = strip.following(waiting[strip.name].pop(0))
        elif known(strip.name):
            told[strip.number] = replace(strip, on=False)
    kept = [told[strip.number] for strip in strips if strip.number in told]
    new = sorted((tag for tags in waiting.values() for tag in tags), key=lambda tag: tag.at)
    return added(kept, [strip_of(tag) for tag in new], after=strips)


def rewrite(text: str, strips: Strips, grammar: str = "default") -> str:
    """Return a prompt whose tags say what the strips say; everything else in it stays as it stands.

    Raises:
        PromptError: The prompt cannot be read.
        RequestError: A LoRA's name cannot stand in a tag.
    """
    sounding: dict[str, list[Strip]] = defaultdict(list)
    for strip in strips:
        if strip.on:
            sounding[strip.name].append(strip)
    pieces, position = [], 0
    for tag in read_tags(text, grammar):
        end = text.index(">", tag.at) + 1
        pieces.append(text[position : tag.at])
        if sounding[tag.name]:
            strip = sounding[tag.name].pop(0)
            pieces.append(text[tag.at : end] if strip.tag() == strip_of(tag).tag() else strip.tag_text())
        elif text.startswith(" ", end):
            end += 1
        else:
            pieces[-1] = pieces[-1].removesuffix(" ")
        position = end
    pieces.append(text[position:])
    left = [strip.tag_text() for strip in strips if strip.on and strip in sounding[strip.name]]
    return _appended("".join(pieces), left, grammar)


def _appended(text: str, tags: Sequence[str], grammar: str) -> str:
    if not tags:
        return text
    before = len(read_tags(text, grammar))
    whole = f"{text.rstrip(' ')} {' '.join(tags)}".lstrip(" ")
    in_a_comment = len(read_tags(whole, grammar)) != before + len(tags)
    return "\n".join((text, " ".join(tags))) if in_a_comment else whole


def added(strips: Iterable[Strip], new: Iterable[Strip], *, after: Iterable[Strip] = ()) -> Strips:
    """Return strips with new ones behind, each under a number that no other has or had (`after` holds older ones)."""
    kept = tuple(strips)
    first = 1 + max((strip.number for strip in (*kept, *after)), default=0)
    return (*kept, *(replace(strip, number=first + place) for place, strip in enumerate(new)))
