"""The prompt language: text to a tree with positions, and the tree to what is said at each step. No torch here."""

from __future__ import annotations

from lora_mixer.prompt.grammars import GRAMMARS, Grammar
from lora_mixer.prompt.nodes import (
    Alternate,
    Break,
    Clause,
    Keyframes,
    LoraTag,
    Node,
    Prompt,
    Switch,
    Text,
    Weighted,
    When,
)
from lora_mixer.prompt.parser import parse
from lora_mixer.prompt.timeline import BlockReader, Part, Piece, Span, Words, timeline
from lora_mixer.prompt.unparse import unparse

__all__ = [
    "GRAMMARS",
    "Alternate",
    "BlockReader",
    "Break",
    "Clause",
    "Grammar",
    "Keyframes",
    "LoraTag",
    "Node",
    "Part",
    "Piece",
    "Prompt",
    "Span",
    "Switch",
    "Text",
    "Weighted",
    "When",
    "Words",
    "parse",
    "timeline",
    "unparse",
]
