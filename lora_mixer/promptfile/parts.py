"""Parts of an entry of a prompt file: one LoRA, the second pass, sizes and names, checked by pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Self, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lora_mixer.errors import RequestError
from lora_mixer.families import check_part
from lora_mixer.hires import Hires
from lora_mixer.keys import parse_elements
from lora_mixer.mixes import Curve, LoraUse, Rectangle, Strength
from lora_mixer.request import MAX_SIDE
from lora_mixer.settings import SECOND_PASS
from lora_mixer.settings.schema import Finite, fields_of, with_fields
from lora_mixer.strength_forms import TEXT_THEN

__all__ = ["Finite", "HiresTable", "LoraTable", "Size", "StrictTable"]

Size = Annotated[str, Field(pattern=r"^\s*\d{1,5}\s*x\s*\d{1,5}\s*$")]


class StrictTable(BaseModel):
    """A table that takes no key it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


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
    mask: Annotated[list[Finite], Field(min_length=4, max_length=4)] | None = None
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
                mask=None
                if self.mask is None
                else Rectangle(left=self.mask[0], top=self.mask[1], right=self.mask[2], bottom=self.mask[3]),
                negative=self.negative,
                rank=self.rank,
                elements=() if self.elements is None else parse_elements(self.elements),
            ),
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
