"""How prompts are read, by name. What each dialect means is a row of `lora_mixer.prompt.grammars`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.choices.names import key_of, unknown

GRAMMARS: Mapping[str, str] = MappingProxyType(
    {
        "default": "A1111's prompt language with its defects mended",
        "a1111": "A1111's prompt language with its quirks",
    }
)
"""Name -> what it means."""


def find_grammar(name: str) -> str:
    """Return the prompt grammar of a name.

    >>> find_grammar("A1111")
    'a1111'

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(known): known for known in GRAMMARS}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("prompt grammar", name, list(GRAMMARS))
