"""Regional Prompter's keywords, which are plain words here."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lora_mixer.prompt.nodes import Prompt, Text
from lora_mixer.prompt.timeline import walk

REGION_WORDS = ("ADDCOMM", "ADDBASE", "ADDROW", "ADDCOL", "ADDP")
"""Source: `scripts/regions.py` of hako-mikan/sd-webui-regional-prompter. Its `BREAK` and `AND` mean something here."""

_WORD = re.compile(rf"\b(?:{'|'.join(REGION_WORDS)})\b")


def region_words(prompt: Prompt) -> tuple[str, ...]:
    """Return those a prompt holds, each once, in the order of the table."""
    found = set(_found(prompt))
    return tuple(word for word in REGION_WORDS if word in found)


def _found(prompt: Prompt) -> Iterator[str]:
    for clause in prompt.clauses:
        for node in walk(clause.children):
            if isinstance(node, Text) and "ADD" in node.text:
                yield from _WORD.findall(node.text)
