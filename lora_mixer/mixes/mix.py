"""A mix: LoRAs by name with their strengths, and how they are blended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import FIELD_TYPES, check_fields, listed, wrong_type
from lora_mixer.mixes.strength import Strength


@dataclass(frozen=True, slots=True)
class LoraUse:
    """One adapter of a mix, by the name its user knows it by, and its strength; a number is enough.

    >>> LoraUse("line_art", 0.8).strength.denoiser
    0.8
    """

    name: str = ""
    strength: Strength = field(default_factory=Strength)

    def __post_init__(self) -> None:
        """Take a number for a strength; refuse a LoRA without a name."""
        check_fields(self)
        if not self.name.strip():
            raise RequestError("the LoRA has no name", where="LoraUse", remedy='Write LoraUse("line_art", 0.8).')
        given: object = self.strength
        if FIELD_TYPES["float"].accepts(given):
            object.__setattr__(self, "strength", Strength(self.strength))  # type: ignore[arg-type]
        elif not isinstance(given, Strength):
            raise wrong_type("LoraUse", "strength", given, "a number or a Strength", 'LoraUse("line_art", 0.8)')


@dataclass(frozen=True, slots=True)
class Mix:
    """LoRAs with their strengths, and how they are blended.

    >>> Mix({"line_art": 0.8, "sepia": 0.4}, "ties").uses[1].name
    'sepia'

    Attributes:
        uses: The LoRAs; a table such as `{"line_art": 0.8}` becomes uses.
        method: The method's name, with its numbers if they are others than usual: `ties:density=0.3`.
    """

    uses: tuple[LoraUse, ...] = ()
    method: str = "sum"

    def __post_init__(self) -> None:
        """Refuse what is no mix."""
        object.__setattr__(self, "uses", mix_of(self.uses))
        check_fields(self)


Loras = Mapping[str, float | Strength] | Iterable[LoraUse] | Mix
"""A mix as people may write it: `{"line_art": 0.8}`, uses one after the other, or a `Mix` with its method."""


def mix_of(given: Loras) -> tuple[LoraUse, ...]:
    """Return a mix, however it was written.

    >>> [use.name for use in mix_of({"line_art": 0.8, "sepia": 0.4})]
    ['line_art', 'sepia']

    Raises:
        RequestError: It is no mix.
    """
    if isinstance(given, Mix):
        return given.uses
    if isinstance(given, Mapping):
        return tuple(LoraUse(name, strength) for name, strength in given.items())  # type: ignore[arg-type]
    uses = listed(given)
    if not all(isinstance(use, LoraUse) for use in uses):
        raise wrong_type(
            "RenderRequest", "loras", given, "a mix", 'loras={"line_art": 0.8} or [LoraUse("line_art", 0.8)]'
        )
    return uses
