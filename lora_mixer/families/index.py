"""What a model is made of: its modules by canonical name, each with its place in the family's anatomy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from lora_mixer.families.clip import places as text_places
from lora_mixer.families.record import Family, ModulePlace
from lora_mixer.modules import ModuleName, ModuleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleIndex:
    """Every module of a model that an adapter can change, by canonical name, in the model's own order."""

    family: Family
    modules: Mapping[ModuleName, ModuleSpec]

    def __iter__(self) -> Iterator[ModuleSpec]:
        """Iterate over the modules."""
        return iter(self.modules.values())

    def __len__(self) -> int:
        """Return the number of modules."""
        return len(self.modules)

    def parts(self) -> tuple[str, ...]:
        """Return the model's parts in order, for example `("denoiser", "te1", "te2")`."""
        return tuple(dict.fromkeys(name.part for name in self.modules))


def places_of(family: Family, part: str, paths: Collection[str]) -> Mapping[str, ModulePlace]:
    """Return where each module of a part stands, from the canonical paths of all of its modules.

    A text encoder that the family does not have stands nowhere in it: nothing is returned.
    """
    encoder = family.encoder(part)
    return family.denoiser.places(paths) if encoder is None else text_places(encoder, paths)
