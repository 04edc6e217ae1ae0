"""The prompt language: parse text into a tree with positions, and evaluate it at each step. No torch here."""

from __future__ import annotations

from lora_mixer.prompt.divided import Divided, WrittenRegion
from lora_mixer.prompt.dynamic import combinations, expand
from lora_mixer.prompt.grammars import GRAMMARS, Grammar
from lora_mixer.prompt.missing import MissingEmbedding, find_missing
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
from lora_mixer.prompt.regional_prompter import BASE_RATIO, Division, divide, undivided
from lora_mixer.prompt.regions import divided, moved, negative_starts, own_part, own_rewritten, region_starts
from lora_mixer.prompt.styles import Style, apply_styles, named_styles
from lora_mixer.prompt.tag_places import TagPlace, mix_tag, rewritten_tags, tag_places, without_tags
from lora_mixer.prompt.tags import MIX_WORD, parse_tag
from lora_mixer.prompt.timeline import BlockReader, ElementReader, Part, Piece, Span, Words, lora_tags, timeline
from lora_mixer.prompt.unparse import tag_text, unparse

__all__ = [
    "BASE_RATIO",
    "GRAMMARS",
    "MIX_WORD",
    "Alternate",
    "BlockReader",
    "Break",
    "Clause",
    "Divided",
    "Division",
    "ElementReader",
    "Grammar",
    "Keyframes",
    "LoraTag",
    "MissingEmbedding",
    "Node",
    "Part",
    "Piece",
    "Prompt",
    "Span",
    "Style",
    "Switch",
    "TagPlace",
    "Text",
    "Weighted",
    "When",
    "Words",
    "WrittenRegion",
    "apply_styles",
    "combinations",
    "divide",
    "divided",
    "expand",
    "find_missing",
    "lora_tags",
    "mix_tag",
    "moved",
    "named_styles",
    "negative_starts",
    "own_part",
    "own_rewritten",
    "parse",
    "parse_tag",
    "region_starts",
    "rewritten_tags",
    "tag_places",
    "tag_text",
    "timeline",
    "undivided",
    "unparse",
    "without_tags",
]
