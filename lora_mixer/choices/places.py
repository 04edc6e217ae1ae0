"""Where the LoRAs of a mix act, by name."""

from __future__ import annotations

from lora_mixer.choices.names import key_of, unknown

GIVEN, AUTO = "given", "auto"
PLACES = (GIVEN, AUTO)


def find_places(name: str) -> str:
    """Return where LoRAs act, by the table's own spelling.

    >>> find_places("Auto")
    'auto'

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(known): known for known in PLACES}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("way to place LoRAs", name, PLACES)
