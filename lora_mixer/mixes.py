"""What a mix is made of: LoRAs with their strengths, curves over the steps and places in the picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import GetCoreSchemaHandler, PlainSerializer
from pydantic_core.core_schema import CoreSchema, no_info_before_validator_function

from lora_mixer.errors import RequestError
from lora_mixer.families import check_part, text_parts
from lora_mixer.fieldtypes import FIELD_TYPES, check_fields, wrong_type
from lora_mixer.modules import DENOISER
from lora_mixer.places import DrawnMask
from lora_mixer.places import Rectangle as Rectangle
from lora_mixer.strength_forms import from_stored, part_now, stored, with_names_of_0_1

MAX_STRENGTH = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A factor over the course of sampling: straight lines between points, flat outside them.

    Attributes:
        points: (position, factor) pairs with rising positions; a position is a fraction of the steps in 0..1.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Take lists where tuples are meant; refuse what is no list of pairs."""
        points = tuple(map(_point, listed(self.points)))
        if None in points:
            raise wrong_type("Curve", "points", self.points, "pairs of position and factor", "points=[(0, 1), (1, 0)]")
        object.__setattr__(self, "points", points)

    def at(self, progress: float) -> float:
        """Return the factor at a fraction of the steps: straight lines between the points, flat outside them.

        >>> Curve(points=((0.0, 0.0), (0.5, 1.0))).at(0.25)
        0.5
        """
        if progress <= self.points[0][0]:
            return self.points[0][1]
        for (left, low), (right, high) in pairwise(self.points):
            if progress <= right:
                return low + (high - low) * (progress - left) / (right - left) if right > left else high
        return self.points[-1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementWeight:
    """The weight of some kinds of layers in some blocks; it stands in the place of the weights of their blocks.

    Source: `ratiodealer` in sd-webui-lora-block-weight (hako-mikan), which calls these the elements of a block.

    Attributes:
        blocks: The names of the blocks (`BASE`, `IN00` .. `OUT11`); none means every block.
        layers: Parts of names in the original code base's spelling (`attn`, `attn2_to_k`, `proj`, `ff_net`,
            `emb_layers`): layers whose names have one of them are meant. None means every layer.
        others: Mean the layers whose names have none of them instead.
        weight: The weight of what is meant.
    """

    blocks: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    others: bool = False
    weight: float

    def __post_init__(self) -> None:
        """Take lists where tuples are meant; refuse values of the wrong type."""
        check_fields(self)
        for field_, example in (("blocks", "IN04"), ("layers", "attn")):
            given = listed(getattr(self, field_))
            if not all(isinstance(word, str) and word for word in given):
                raise wrong_type("ElementWeight", field_, getattr(self, field_), "words", f'{field_}=["{example}"]')
            object.__setattr__(self, field_, given)
        if self.others and not self.layers:
            raise RequestError(
                "others of no layers means none",
                where="ElementWeight",
                remedy="Give the layers that are left out, or leave out others.",
            )


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


def check_strength(use: LoraUse) -> None:
    """Refuse factors that are no finite number of a usable size, and curves whose points do not rise.

    Raises:
        RequestError: One is.
    """
    given = use.strength
    factors = [given.denoiser, *given.text.values(), *given.blocks.values()]
    factors += [element.weight for element in given.elements]
    factors += [number for point in given.curve.points for number in point] if given.curve else []
    for factor in factors:
        if not (math.isfinite(factor) and abs(factor) <= MAX_STRENGTH):
            raise RequestError(
                f"{factor:g} is not a strength",
                where=f"LoRA {use.name}",
                remedy=f"Use -{MAX_STRENGTH:g} to {MAX_STRENGTH:g}; most LoRAs are made for 0 to 1.",
            )
    if given.curve is not None:
        _check_curve(use.name, given.curve)


def _check_curve(name: str, curve: Curve) -> None:
    positions = [position for position, _ in curve.points]
    rising = all(left <= right for left, right in pairwise(positions))
    if not positions or not rising or positions[0] < 0.0 or positions[-1] > 1.0:
        raise RequestError(
            f"a curve over the steps cannot have its points at {positions}",
            where=f"LoRA {name}",
            remedy="Give one point or more, with rising positions from 0 (the first step) to 1 (the last).",
        )


def listed(given: object) -> tuple[Any, ...]:
    """Return a list's items; None alone for what is no list, which every check refuses."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (None,)


def _point(point: object) -> tuple[float, float] | None:
    pair = listed(point)
    return (pair[0], pair[1]) if len(pair) == 2 and all(map(FIELD_TYPES["float"].accepts, pair)) else None
