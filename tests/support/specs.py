"""What modules are on a model of SD 1.x, for adapters that are made by hand."""

from __future__ import annotations

from collections.abc import Iterable

from lora_mixer.families import SD1, Family, places_of
from lora_mixer.modules import LayerType, ModuleName, ModuleSpec


def specs_of(names: Iterable[ModuleName], family: Family = SD1) -> dict[ModuleName, ModuleSpec]:
    """Return modules with their places in a family's anatomy; their weights are of no size."""
    names = list(names)
    found = {}
    for part in dict.fromkeys(name.part for name in names):
        places = places_of(family, part, [name.path for name in names if name.part == part])
        found |= {
            ModuleName(part, path): ModuleSpec(
                name=ModuleName(part, path), operator=LayerType.LINEAR, weight=(), **place._asdict()
            )
            for path, place in places.items()
        }
    return {name: found[name] for name in names}
