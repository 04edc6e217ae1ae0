"""How a picture was made, in words: its infotext, and what A1111's form of it has no place for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lora_mixer.images import RenderRecord, infotext
from lora_mixer.places import Rectangle


def how_made(record: RenderRecord, say: Callable[[str], str] = str) -> str:
    """Return a record as people read it; `say` words what is beyond A1111's form."""
    return "\n".join([infotext(record), *map(say, _masks(record))])


def _masks(record: RenderRecord) -> Iterator[str]:
    for adapter in record.adapters:
        if adapter.mask_sha256 is not None:
            yield f"Mask of {adapter.name}: a picture, sha256 {adapter.mask_sha256[:12]}"
        elif isinstance(place := adapter.strength.mask, Rectangle):
            sides = ", ".join(f"{side:g}" for side in (place.left, place.top, place.right, place.bottom))
            yield f"Mask of {adapter.name}: left, top, right, bottom {sides}"
        elif place is not None:
            yield f"Mask of {adapter.name}: drawn"
