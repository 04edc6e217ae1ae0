"""Trainers' metadata in adapters: trained words, a name, a base model. Hints, never proof.

Keys: kohya's `ss_*` and `sshs_*`, and the ModelSpec standard (Stability-AI/ModelSpec 1.0.1).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping

MAX_WORDS = 50
_SELDOM = 0.1  # of the most frequent tag's count; tags below that are what pictures happened to show
_MOST_EQUAL = 12  # tags that share the highest count; where there are more, none of them is a trigger
_LONGEST_WORD = 200
_CAPTION_LENGTH = 16  # tags longer than this on average are sentences, whose words are counted instead
_WORD = re.compile(r"[^\W\d_]{3,}")

_BASE_KEYS = ("modelspec.architecture", "ss_base_model_version")
# Start of either key's value in lower case, and the family it means; the first row that fits wins.
_BASES = (
    ("stable-diffusion-xl-v1-refiner", "sdxl-refiner"),
    ("stable-diffusion-xl", "sdxl"),
    ("stable-diffusion-v1", "sd1"),
    ("stable-diffusion-v2", "sd2"),
    ("sdxl", "sdxl"),
    ("sd_v1", "sd1"),
    ("sd_v2", "sd2"),
)
_BASE_BY_V2 = {"true": "sd2", "false": "sd1"}  # of old kohya files, which have only `ss_v2`


def base_hint(metadata: Mapping[str, str]) -> str | None:
    """Return the base family the metadata claim, another architecture as it is spelled, or None.

    >>> base_hint({"ss_base_model_version": "sdxl_base_v1-0"})
    'sdxl'
    """
    claims = (_shown(metadata.get(key, "")) for key in _BASE_KEYS)
    claim = next(filter(None, claims), None)
    if claim is None:
        return _BASE_BY_V2.get(metadata.get("ss_v2", "").lower())
    return next((family for start, family in _BASES if claim.lower().startswith(start)), claim)


def alias(metadata: Mapping[str, str]) -> str | None:
    """Return the name its trainer gave it."""
    return _shown(metadata.get("ss_output_name", ""))


def claimed_digests(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the digests claimed by the metadata: they only decide which file to hash first."""
    claims = (metadata.get(key, "").lower().removeprefix("0x") for key in ("sshs_model_hash", "modelspec.hash_sha256"))
    return tuple(claim for claim in claims if re.fullmatch(r"[0-9a-f]{64}", claim))


def trained_words(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the trigger phrase, if any, then the words that stand out of those it was trained on, the most frequent first.

    Tags of a few pictures only are left out, and all of them where none is more frequent than the others: a list of
    everything the pictures show says nothing of the adapter.

    >>> trained_words({"ss_tag_frequency": '{"a": {"hat": 2, "cat": 3}, "b": {"hat": 4}}'})
    ('hat', 'cat')
    """
    trigger = _shown(metadata.get("modelspec.trigger_phrase", ""))
    counts = Counter[str]()
    for tag, count in _tag_counts(metadata.get("ss_tag_frequency", "")):
        counts[tag] += count
    if counts and sum(map(len, counts)) / len(counts) >= _CAPTION_LENGTH:
        counts = _word_counts(counts)
    words = _outstanding(counts)
    return tuple(dict.fromkeys(([trigger] if trigger else []) + words))[:MAX_WORDS]


def _outstanding(counts: Counter[str]) -> list[str]:
    most = max(counts.values(), default=0)
    if sum(count == most for count in counts.values()) > _MOST_EQUAL:
        return []
    often = [(word, count) for word, count in counts.items() if count >= _SELDOM * most]
    return [word for word, _ in sorted(often, key=lambda item: (-item[1], item[0]))]


def _tag_counts(text: str) -> Iterator[tuple[str, int]]:
    for tags in _table(text).values():
        if isinstance(tags, dict):
            for tag, count in tags.items():
                shown = _shown(tag)
                if shown and type(count) is int and count > 0:
                    yield shown, count


def _table(text: str) -> dict[str, object]:
    try:
        table = json.loads(text) if text else {}
    except (ValueError, RecursionError):  # a stranger's text that is not JSON lists no words
        return {}
    return table if isinstance(table, dict) else {}


def _word_counts(captions: Mapping[str, int]) -> Counter[str]:
    counts = Counter[str]()
    for caption, count in captions.items():
        for word in _WORD.findall(caption.lower()):
            counts[word] += count
    return counts


def _shown(text: str) -> str | None:
    """Return a short text on one line, as it is written, or None if it has nothing to show."""
    line = " ".join(text.split())[:_LONGEST_WORD]
    return line if line.isprintable() and line else None
