"""Find names in prompts that look like missing embeddings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lora_mixer.prompt.nodes import Prompt, Text
from lora_mixer.prompt.timeline import walk

POPULAR = frozenset(
    {
        "aid28",
        "aid29",
        "asian-less-neg",
        "bad-artist",
        "bad-artist-anime",
        "bad-hands-5",
        "bad-image-v2-39000",
        "bad-picture-chill-75v",
        "bad_prompt",
        "bad_prompt_version2",
        "baddream",
        "badhandv4",
        "bad_pictures",
        "boring_e621",
        "deepnegative_xl_v1",
        "easynegative",
        "easynegativev2",
        "epicnegative",
        "fastnegativev2",
        "negativexl_d",
        "negative_hand-neg",
        "ng_deepnegative_v1_64t",
        "ng_deepnegative_v1_75t",
        "unaestheticxlv31",
        "unrealisticdream",
        "verybadimagenegative_v1.3",
    }
)
"""Embeddings whose names are found in prompts everywhere, in lower case."""

MOST = 100
"""Missing names that are told; a prompt with more of them is none that anybody wrote."""

_LONGEST = 100  # characters in a name
_WORD = re.compile(r"[^\s,;()\[\]{}|:<>\"]+")
_EXPLICIT = re.compile(r"\bembedding:([^\s,;()\[\]{}|:<>\"]+)")
# A version behind four letters at least, as no ordinary word or tag has it: badhandv4, ng_deepnegative_v1_75t.
_VERSIONED = re.compile(r"[a-z][a-z_\-]{3,}v\d+(?:[._]\d+)*(?:[_\-]\w*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingEmbedding:
    """A name that looks like a missing embedding; `nearest` is the closest available one."""

    name: str
    nearest: str | None
    at: int


def find_missing(prompt: Prompt, known: Iterable[str]) -> tuple[MissingEmbedding, ...]:
    """Return the embeddings a prompt names that are not among the known ones, each once.

    A word is taken for an embedding if it is written `embedding:NAME`, is one of the names found everywhere, or has
    a version or "negative" in it as only file names have; `1girl`, `long_hair` and `8k` are none.
    """
    names = {name.lower(): name for name in known}
    found: dict[str, MissingEmbedding] = {}
    for name, at in _candidates(prompt):
        key = name.lower()
        if len(found) >= MOST:
            break
        if key not in names and key not in found:
            near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
            found[key] = MissingEmbedding(name=name, nearest=names[near[0]] if near else None, at=at)
    return tuple(found.values())


def _candidates(prompt: Prompt) -> Iterator[tuple[str, int]]:
    texts = [node for clause in prompt.clauses for node in walk(clause.children) if isinstance(node, Text)]
    for node in sorted(texts, key=lambda text: text.at):
        for match in _EXPLICIT.finditer(node.text):
            yield match[1][:_LONGEST].rstrip("."), node.at + match.start(1)
        for match in _WORD.finditer(node.text):
            word = match[0].rstrip(".")
            if len(word) > _LONGEST:
                continue
            if word.lower() in POPULAR or _VERSIONED.fullmatch(word) or _is_compound_negative(word):
                yield word, node.at + match.start()


def _is_compound_negative(word: str) -> bool:
    return bool(re.search("negative", word, re.IGNORECASE)) and bool(re.search(r"[\d_]|[a-z][A-Z]", word))
