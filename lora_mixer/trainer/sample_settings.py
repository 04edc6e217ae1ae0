"""Which pictures are painted while a LoRA is trained: prompts, strengths, and other LoRAs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import FIELD_TYPES, check_fields, wrong_type
from lora_mixer.wording import page


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSettings:
    """A sheet of samples: a column a strength, a row a prompt, once alone and once beside each mix of `beside`.

    Attributes:
        prompts: A row each.
        strengths: Of the LoRA in training, a column each; 0 is the model without it.
        beside: Mixes of other LoRAs, each a table of names or paths with strengths, which act beside it.
        every: After so many steps; 0 for after every epoch.
        steps: Of sampling.
        seed: Of every picture.
        negative: What all of them steer away from.
        width: In pixels; the model's own if None.
        height: Likewise.
    """

    prompts: tuple[str, ...]
    strengths: tuple[float, ...] = (0.0, 0.5, 1.0)
    beside: tuple[Mapping[str, float], ...] = ()
    every: int = 0
    steps: int = 20
    seed: int = 0
    negative: str = ""
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        """Take lists where tuples are meant; refuse values of the wrong type."""
        check_fields(self)
        for name, form, example in _LISTS:
            given = getattr(self, name)
            given = tuple(given) if isinstance(given, (list, tuple)) else (given,)
            if not all(map(_ACCEPTS[form], given)):
                raise wrong_type("samples", name, getattr(self, name), f"a list of {form}", f"{name} = {example}")
            object.__setattr__(self, name, given)
        for name, least in (("every", 0), ("steps", 1)):
            if getattr(self, name) < least:
                raise RequestError(f"samples: {name} {getattr(self, name)} is below {least}")
        if not self.prompts or not self.strengths:
            raise RequestError("samples need a prompt and a strength", remedy='Write prompts = ["a cat"].')

    @classmethod
    def of(cls, table: object) -> Self:
        """Return the settings of a table, as TOML has it.

        >>> SampleSettings.of({"prompts": ["a cat"], "strengths": [1]}).strengths
        (1,)

        Raises:
            RequestError: A name is none of a sample's, or a value has the wrong type.
        """
        if not isinstance(table, Mapping):
            raise wrong_type("samples", "samples", table, "a table", 'samples = { prompts = ["a cat"] }')
        names = [field.name for field in fields(cls)]
        odd = next((name for name in table if name not in names), None)
        if odd is not None:
            remedy = did_you_mean(odd, names, otherwise=f"{page('training')} has all of them.")
            raise RequestError(f"{odd!r} is no setting of samples", remedy=remedy)
        return cls(**{"prompts": (), **table})


def _is_mix(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _ACCEPTS["numbers"](strength) for name, strength in value.items()
    )


_ACCEPTS = {"texts": FIELD_TYPES["str"].accepts, "numbers": FIELD_TYPES["float"].accepts, "tables": _is_mix}
_LISTS = (
    ("prompts", "texts", '["a cat"]'),
    ("strengths", "numbers", "[0, 0.5, 1]"),
    ("beside", "tables", "[{ night_sky = 0.7 }]"),
)
