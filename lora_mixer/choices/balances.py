"""How the strengths of a mix are balanced, by name: so that together LoRAs change no more than one of them does."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.choices.names import key_of, unknown

OFF = "off"
BY_MIX = "mix"
BY_BLOCK = "block"

BALANCES: Mapping[str, str] = MappingProxyType(
    {
        OFF: "strengths act as they are given",
        BY_MIX: "all strengths times one factor: over the whole model the sum is no larger than its largest part",
        BY_BLOCK: "strengths times a factor a block: in every block the sum is no larger than its largest part",
    }
)
"""Name -> what it means."""


def find_balance(name: str) -> str:
    """Return the balance of a name.

    >>> find_balance("Block")
    'block'

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(known): known for known in BALANCES}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("balance", name, list(BALANCES))
