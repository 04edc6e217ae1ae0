"""Parts of an entry of a prompt file: one LoRA, the second pass, sizes and names, checked by pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Self, TypeGuard

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from lora_mixer.errors import RequestError
from lora_mixer.families import check_part
from lora_mixer.hires import Hires
from lora_mixer.keys import parse_elements
from lora_mixer.mixes import Curve, LoraUse, Strength
from lora_mixer.places import DrawnMask, Rectangle, rectangle_of
from lora_mixer.regions import MOST_REGIONS, Region, check_region
from lora_mixer.request import MAX_SIDE
from lora_mixer.settings import SECOND_PASS
from lora_mixer.settings.schema import Finite, fields_of, with_fields
from lora_mixer.strength_forms import TEXT_THEN

__all__ = ["Finite", "HiresTable", "LoraTable", "RegionTable", "RegionTables", "Size", "StrictTable"]

Size = Annotated[str, Field(pattern=r"^\s*\d{1,5}\s*x\s*\d{1,5}\s*$")]


Edges = Annotated[list[Finite], Field(min_length=4, max_length=4)]
"""Left, top, right and bottom, in fractions of the picture's sides."""


def _drawn(text: str) -> str:
    """Check a mask that is drawn in a text."""
    try:
        if DrawnMask.read(text) is None:
            raise ValueError("write left, top, right and bottom, or a data URL of a PNG")
    except RequestError as error:
        raise ValueError(str(error)) from error
    return text


Drawn = Annotated[str, AfterValidator(_drawn)]


class StrictTable(BaseModel):
    """A table that takes no key it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class LoraTable(StrictTable):
    """One LoRA of a job: its name and strengths, and how they vary over blocks, steps and the picture."""

    name: str = Field(min_length=1)
    strength: Finite | None = None
    denoiser: Finite | None = None
    text: Finite | dict[str, Finite] | None = None
    unet: Finite | None = None  # as 0.1 called it
    te: Finite | None = None
    te2: Finite | None = None
    blocks: dict[str, Finite] = {}
    curve: list[Annotated[list[Finite], Field(min_length=2, max_length=2)]] | None = None
    mask: Edges | Drawn | None = None
    negative: bool = False
    rank: int | None = Field(default=None, ge=1)
    elements: str | None = None

    @field_validator("elements")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        try:
            parse_elements(value or "ATTNDEEPON")
        except RequestError as error:
            raise ValueError(str(error)) from error
        return value or None

    @model_validator(mode="after")
    def _one_strength(self) -> Self:
        same = [name for name in ("strength", "denoiser", "unet") if getattr(self, name) is not None]
        if len(same) > 1:
            raise ValueError(f"{same[0]} and {same[1]} say the same thing; give one of them")
        if self.text is not None and (self.te, self.te2) != (None, None):
            raise ValueError("text and te say the same thing; give one of them")
        return self

    @field_validator("text")
    @classmethod
    def _encoders(cls, value: float | dict[str, float] | None) -> float | dict[str, float] | None:
        try:
            for part in value if isinstance(value, dict) else ():
                check_part(part)
        except RequestError as error:
            raise ValueError(str(error)) from error
        return value

    def _text(self) -> float | Mapping[str, float] | None:
        """Return the factors on the text encoders, by today's names or by those of 0.1."""
        first, second = TEXT_THEN
        then = {part: value for part, value in ((first, self.te), (second, self.te2)) if value is not None}
        return then if self.text is None else self.text

    def _mask(self) -> Rectangle | DrawnMask | None:
        if isinstance(self.mask, str):
            return DrawnMask.read(self.mask)
        return None if self.mask is None else rectangle_of(self.mask, owner="mask")

    def use(self) -> LoraUse:
        """Return it as a request has it."""
        given = next((one for one in (self.strength, self.denoiser, self.unet) if one is not None), 1.0)
        return LoraUse(
            name=self.name,
            strength=Strength(
                given,
                text=self._text(),
                blocks=self.blocks,
                curve=None if self.curve is None else Curve(points=tuple((at, factor) for at, factor in self.curve)),
                mask=self._mask(),
                negative=self.negative,
                rank=self.rank,
                elements=() if self.elements is None else parse_elements(self.elements),
            ),
        )


def short_loras(value: object) -> object:
    """Take `{ name = strength }` and `"name=strength; name"` for the long form."""
    if isinstance(value, str):
        return [lora_of_text(part) for part in value.split(";") if part.strip()]
    if isinstance(value, dict):
        return [{"name": name, "strength": strength} for name, strength in value.items()]
    return value


class RegionTable(StrictTable):
    """A part of a job's picture: where it lies, what it shows, and its LoRAs."""

    prompt: str = ""
    mask: Edges | str
    negative: str | None = None
    loras: Annotated[list[LoraTable], BeforeValidator(short_loras)] = Field(default=[])
    weight: Annotated[Finite, Field(ge=0, le=1)] = 1.0
    feather: Annotated[Finite, Field(ge=0, le=1)] = 0.0
    words: str = ""

    @model_validator(mode="after")
    def _there(self) -> Self:
        try:
            check_region(self.region())
        except RequestError as error:
            raise ValueError(str(error)) from error
        return self

    def region(self) -> Region:
        """Return it as a request has it."""
        return Region(
            prompt=self.prompt,
            mask=self.mask,  # type: ignore[arg-type]  # edges and texts are taken, too
            negative=self.negative,
            loras=tuple(table.use() for table in self.loras),
            weight=self.weight,
            feather=self.feather,
            words=self.words,
        )


@with_fields(fields_of(SECOND_PASS))
class HiresTable(StrictTable):
    """The second pass of a job: hires fix."""

    size: Size | None = None
    if TYPE_CHECKING:
        scale: float | None = None
        width: int | None = None
        height: int | None = None

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        check_sides(self.size, self.width, self.height)
        if self.scale is not None and any(sides_of(self.size, self.width, self.height)):
            raise ValueError("a scale and a size say the same thing; give one of them")
        return self

    def entry(self) -> Hires:
        """Return it as a request has it."""
        width, height = sides_of(self.size, self.width, self.height)
        values = {f.name: getattr(self, f.name) for f in fields(Hires)}
        return Hires(**values | {"width": width, "height": height})


RegionTables = Annotated[list[RegionTable], Field(max_length=MOST_REGIONS)]


def sides_of(size: str | None, width: int | None, height: int | None) -> tuple[int | None, int | None]:
    """Return width and height, however they were given."""
    if size is None:
        return width, height
    wide, _, high = size.partition("x")
    return int(wide), int(high)


def check_sides(size: str | None, width: int | None, height: int | None) -> None:
    """Refuse a size that is given twice, or that is no multiple of 8.

    Raises:
        ValueError: It is one of these.
    """
    if size is not None and (width or height):
        raise ValueError("size and width or height say the same thing; give one of them")
    if any(side % 8 or not 8 <= side <= MAX_SIDE for side in sides_of(size, width, height) if side is not None):
        raise ValueError(f"width and height must be multiples of 8 from 8 to {MAX_SIDE}")


def is_short(value: object) -> TypeGuard[str | float]:
    """Tell whether a table is given in its short form."""
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def hires_of_text(text: str) -> dict[str, object]:
    """Return the table that `2; denoise=0.4; steps=10` stands for; numbers are numbers, whatever the file's format."""
    table: dict[str, object] = {}
    for part in (part.strip() for part in text.split(";")):
        key, equals, value = part.partition("=")
        if equals:
            table[key.strip()] = _number_of(value.strip())
        elif part:
            table["size" if "x" in part else "scale"] = _number_of(part)
    return table


def _number_of(text: str) -> object:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def lora_of_text(text: str) -> dict[str, object]:
    """Return the table that `name=strength` or `name` stands for."""
    name, separator, strength = text.rpartition("=")
    return {"name": name.strip(), "strength": strength.strip()} if separator else {"name": text.strip()}
