"""How weights of words act, by name: AUTOMATIC1111's setting `Emphasis mode`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.choices.names import key_of, unknown

ORIGINAL = "original"

EMPHASES: Mapping[str, str] = MappingProxyType(
    {
        ORIGINAL: "weights multiply the encoded text, whose mean is then brought back to what it was",
        "no norm": "weights multiply the encoded text, and its mean is left alone",
        "ignore": "brackets are read, but weigh nothing",
    }
)
"""Name -> what it means."""


def find_emphasis(name: str) -> str:
    """Return the emphasis mode of a name.

    >>> find_emphasis("No Norm")
    'no norm'

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(known): known for known in EMPHASES}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("emphasis mode", name, list(EMPHASES))
