"""How strongly one adapter acts: on each part of a model, in each block, over the steps, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import GetCoreSchemaHandler, PlainSerializer
from pydantic_core.core_schema import CoreSchema, no_info_before_validator_function

from lora_mixer.families import check_part, text_parts
from lora_mixer.fieldtypes import FIELD_TYPES, check_fields, listed, wrong_type
from lora_mixer.mixes.curve import Curve
from lora_mixer.mixes.element import ElementWeight
from lora_mixer.modules import DENOISER
from lora_mixer.places import DrawnMask, Rectangle
from lora_mixer.strength_forms import from_stored, part_now, stored, with_names_of_0_1


@with_names_of_0_1
@dataclass(frozen=True, slots=True)
class Strength:
    """How strongly one adapter acts: what its sliders set.

    Attributes:
        denoiser: Factor on the denoiser's part; 0 is exactly off, negative is allowed.
        text: Factors on the text encoders' parts, by part (`te1`, `te2`); a number is for all of them. An encoder that
            is not named acts like the one before it, and the first like the denoiser.
        blocks: Further factors by block name (`BASE`, `IN00` .. `IN11`, `MID`, `OUT00` .. `OUT11`); a block that
            is not named keeps factor 1.
        curve: A further factor over the steps, on the denoiser only (text is encoded once).
        mask: Where in the picture the adapter acts; None means everywhere.
        negative: Act on the negative half of guidance only.
        rank: Only this many of the factors' ranks act (A1111's `dyn`); None means all.
        elements: Weights by block and kind of layer. Each stands in the place of what `blocks` says of the layers it
            means; of several that mean a layer the last one counts.
    """

    denoiser: float = 1.0
    _: KW_ONLY
    text: Annotated[Mapping[str, float], PlainSerializer(dict)] = field(default_factory=lambda: MappingProxyType({}))
    blocks: Annotated[Mapping[str, float], PlainSerializer(dict)] = field(default_factory=lambda: MappingProxyType({}))
    curve: Curve | None = None
    mask: Rectangle | DrawnMask | Path | None = None
    negative: bool = False
    rank: int | None = None
    elements: tuple[ElementWeight, ...] = ()

    if TYPE_CHECKING:  # what may be written; `text` is a table afterwards

        def __init__(
            self,
            denoiser: float = 1.0,
            *,
            text: float | Mapping[str, float] | None = None,
            blocks: Mapping[str, float] = ...,
            curve: Curve | None = None,
            mask: Rectangle | DrawnMask | Path | None = None,
            negative: bool = False,
            rank: int | None = None,
            elements: tuple[ElementWeight, ...] = (),
        ) -> None: ...

    def __post_init__(self) -> None:
        """Refuse values of the wrong type."""
        check_fields(self)
        object.__setattr__(self, "text", _text_factors(self.text))
        blocks: object = self.blocks
        if not isinstance(blocks, Mapping) or not all(map(FIELD_TYPES["float"].accepts, blocks.values())):
            raise wrong_type("Strength", "blocks", blocks, "factors by block name", 'blocks={"MID": 0.5}')
        curve: object = self.curve
        if not isinstance(curve, Curve | None):
            raise wrong_type("Strength", "curve", curve, "a Curve", "curve=Curve(points=[(0, 1), (1, 0)])")
        mask: object = self.mask
        if not isinstance(mask, Rectangle | DrawnMask | Path | str | None):
            raise wrong_type("Strength", "mask", mask, "a Rectangle or a Path", 'mask=Path("mask.png")')
        if isinstance(mask, str):
            object.__setattr__(self, "mask", DrawnMask.read(mask) or Path(mask))
        elements = listed(self.elements)
        if not all(isinstance(element, ElementWeight) for element in elements):
            example = 'elements=[ElementWeight(layers=["attn"], weight=0.5)]'
            raise wrong_type("Strength", "elements", self.elements, "a list of ElementWeight", example)
        object.__setattr__(self, "elements", elements)

    def of(self, part: str) -> float:
        """Return the factor for a part of the model, blocks and curve aside.

        >>> Strength(0.5).of("te2"), Strength(0.5, text=0.2).of("te2")
        (0.5, 0.2)

        Raises:
            RequestError: No family has such a part.
        """
        part = part_now(part)
        check_part(part)
        factor = self.denoiser
        for text in text_parts() if part != DENOISER else ():
            factor = self.text.get(text, factor)
            if text == part:
                break
        return factor

    def stored(self) -> dict[str, object]:
        """Return it as records and ledgers have it, the factors by the names of release 0.1."""
        others = (f.name for f in fields(self) if f.name not in {"denoiser", "text"})
        return {**stored(self.denoiser, self.text), **{name: getattr(self, name) for name in others}}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 pydantic's
        """Return how pydantic reads a strength: by the stored form's names, too."""
        own: dict[str, Any] = dict(handler.resolve_ref_schema(handler(source)))
        ref = own.pop("ref", None)  # what reads the stored form stands for the class wherever it is met again
        return no_info_before_validator_function(from_stored, cast(CoreSchema, own), ref=ref)


def _text_factors(given: object) -> Mapping[str, float]:
    """Return factors by text encoder; a number is for the first one, which the others follow."""
    if given is None:
        return MappingProxyType({})
    if FIELD_TYPES["float"].accepts(given):
        return MappingProxyType({text_parts()[0]: float(given)})  # type: ignore[arg-type]
    if not isinstance(given, Mapping) or not all(map(FIELD_TYPES["float"].accepts, given.values())):
        raise wrong_type("Strength", "text", given, "a number or factors by text encoder", 'text={"te1": 0.5}')
    for part in given:
        check_part(part)
    return given
