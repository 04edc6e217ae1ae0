"""Match names as people write them, with an error for unknown ones."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from lora_mixer.errors import RequestError


def key_of(name: str) -> str:
    """Return a name without what people vary: case, spaces, hyphens and underscores (`+` counts as `p`)."""
    kept = name.casefold().replace("+", "p")
    return "".join(letter for letter in kept if letter.isalnum())


def unknown(what: str, name: str, known: Sequence[str], elsewhere: Mapping[str, str] | None = None) -> RequestError:
    """Return the error for a name that is not here, with the nearest that is.

    Args:
        what: What it would be a name of.
        name: The name.
        known: The names there are.
        elsewhere: Names of other programs that have no counterpart here -> the nearest one here.
    """
    counterpart = {key_of(other): near for other, near in (elsewhere or {}).items()}.get(key_of(name))
    if counterpart is not None:
        return RequestError(f"the {what} {name} is not supported", remedy=f"The nearest one is {counterpart}.")
    keys = {key_of(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(key_of(name), keys, n=1, cutoff=0.5)
    remedy = f"Did you mean {keys[close[0]]}?" if close else f"Use one of {', '.join(known)}."
    return RequestError(f"there is no {what} {name!r}", remedy=remedy)
