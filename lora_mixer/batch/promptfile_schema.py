"""What an entry of a prompt file may say, checked by pydantic, with the nearest key where one is misspelt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lora_mixer.request import (
    MAX_ETA,
    MAX_SEED,
    MAX_SIDE,
    MAX_STEPS,
    Curve,
    LoraUse,
    Rectangle,
    RenderRequest,
    Strength,
)

MAX_COUNT = 1000
LONGEST_SHOWN = 40

Finite = Annotated[float, Field(allow_inf_nan=False)]
Checked = TypeVar("Checked", bound=BaseModel)
Side = Annotated[int, Field(ge=8, le=MAX_SIDE, multiple_of=8)]


class Table(BaseModel):
    """A table that takes no key it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LoraTable(Table):
    """One LoRA of a job: its name and strengths, and how they vary over blocks, steps and the picture."""

    name: str = Field(min_length=1)
    strength: Finite | None = None
    unet: Finite | None = None
    te: Finite | None = None
    te2: Finite | None = None
    blocks: dict[str, Finite] = {}
    curve: list[Annotated[list[Finite], Field(min_length=2, max_length=2)]] | None = None
    mask: Annotated[list[Finite], Field(min_length=4, max_length=4)] | None = None
    negative: bool = False

    @model_validator(mode="after")
    def _one_strength(self) -> Self:
        if self.strength is not None and self.unet is not None:
            raise ValueError("strength and unet say the same thing; give one of them")
        return self

    def use(self) -> LoraUse:
        """Return it as a request has it."""
        given = self.unet if self.strength is None else self.strength
        return LoraUse(
            name=self.name,
            strength=Strength(
                unet=1.0 if given is None else given,
                te1=self.te,
                te2=self.te2,
                blocks=self.blocks,
                curve=None if self.curve is None else Curve(points=tuple((at, factor) for at, factor in self.curve)),
                mask=None
                if self.mask is None
                else Rectangle(left=self.mask[0], top=self.mask[1], right=self.mask[2], bottom=self.mask[3]),
                negative=self.negative,
            ),
        )


class Fields(Table):
    """What `[defaults]` may say."""

    prompt: str | None = None
    negative: str | None = None
    loras: list[LoraTable] = []
    seed: int | None = Field(default=None, ge=-1, le=MAX_SEED)
    subseed: int | None = Field(default=None, ge=-1, le=MAX_SEED)
    subseed_strength: Finite | None = Field(default=None, ge=0, le=1)
    steps: int | None = Field(default=None, ge=1, le=MAX_STEPS)
    cfg: Finite | None = Field(default=None, ge=0, le=100)
    cfg_rescale: Finite | None = Field(default=None, ge=0, le=1)
    eta: Finite | None = Field(default=None, ge=0, le=MAX_ETA)
    sampler: str | None = None
    schedule: str | None = None
    width: Side | None = None
    height: Side | None = None
    size: str | None = Field(default=None, pattern=r"^\s*\d{1,5}\s*x\s*\d{1,5}\s*$")
    clip_skip: int | None = Field(default=None, ge=1, le=12)
    emphasis: str | None = None
    grammar: str | None = None
    model: str | None = None
    styles: list[str] = []

    @field_validator("styles", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        """Take `"name; name"` for a list."""
        return [name.strip() for name in value.split(";") if name.strip()] if isinstance(value, str) else value

    @field_validator("loras", mode="before")
    @classmethod
    def _short_forms(cls, value: object) -> object:
        """Take `{ name = strength }` and `"name=strength; name"` for the long form."""
        if isinstance(value, str):
            return [_lora_of_text(part) for part in value.split(";") if part.strip()]
        if isinstance(value, dict):
            return [{"name": name, "strength": strength} for name, strength in value.items()]
        return value

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.size is not None and (self.width or self.height):
            raise ValueError("size and width or height say the same thing; give one of them")
        if any(side % 8 or not 8 <= side <= MAX_SIDE for side in self.sides if side is not None):
            raise ValueError(f"width and height must be multiples of 8 from 8 to {MAX_SIDE}")
        return self

    @property
    def sides(self) -> tuple[int | None, int | None]:
        """Width and height, however they were given."""
        if self.size is None:
            return self.width, self.height
        width, _, height = self.size.partition("x")
        return int(width), int(height)


class JobTable(Fields):
    """One entry: a picture, or with axes a block of the sheet."""

    name: str | None = None
    count: int = Field(default=1, ge=1, le=MAX_COUNT)

    def request(self, defaults: Fields) -> RenderRequest:
        """Return the request, gaps filled from the defaults; the LoRAs and styles of both act."""
        own = {name: getattr(self, name) for name in _FILLED}
        values = {name: getattr(defaults, name) if value is None else value for name, value in own.items()}
        width, height = self.sides if any(self.sides) else defaults.sides
        return RenderRequest(
            **values | {"prompt": values["prompt"] or "", "seed": None if values["seed"] == -1 else values["seed"]},
            loras=tuple(table.use() for table in (*defaults.loras, *self.loras)),
            styles=(*defaults.styles, *self.styles),
            width=width,
            height=height,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong in an entry: at which key, and what."""

    key: tuple[str | int, ...]
    what: str


def read_table(model: type[Checked], table: object, *, strict: bool = True) -> Checked | tuple[Fault, ...]:
    """Check one entry and return it, or all that is wrong in it.

    Args:
        model: What it should be.
        table: What the file says.
        strict: Take `20` but not `"20"` for a number.
    """
    try:
        return model.model_validate(table, strict=strict)
    except ValidationError as error:
        return tuple(_faults(error, model))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint at the known word nearest to one that is not known."""
    names = tuple(known)
    close = get_close_matches(word, names, n=1)
    return f"the nearest is {close[0]}" if close else f"known: {', '.join(names)}"


def _faults(error: ValidationError, model: type[BaseModel]) -> Iterator[Fault]:
    for item in error.errors(include_url=False, include_context=False):
        key = item["loc"]
        if item["type"] == "extra_forbidden":
            table = LoraTable if "loras" in key[:-1] else model
            yield Fault(key=key, what=f"unknown key {key[-1]}; {nearest(str(key[-1]), table.model_fields)}")
            continue
        shown = repr(item["input"]) if not isinstance(item["input"], dict) else ""
        shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}..."
        place = ".".join(str(part) for part in key)
        said = _SAID.get(item["type"], item["msg"].removeprefix("Value error, ").removeprefix("Input "))
        yield Fault(
            key=key, what=": ".join(part for part in (place, said) if part) + (f", not {shown}" if shown else "")
        )


def _lora_of_text(text: str) -> dict[str, object]:
    name, separator, strength = text.rpartition("=")
    return {"name": name.strip(), "strength": strength.strip()} if separator else {"name": text.strip()}


_SAID = {"model_type": "an entry must be a table", "dict_type": "must be a table", "list_type": "must be a list"}
_FILLED = (
    "prompt",
    "negative",
    "seed",
    "subseed",
    "subseed_strength",
    "steps",
    "cfg",
    "cfg_rescale",
    "eta",
    "sampler",
    "schedule",
    "clip_skip",
    "emphasis",
    "grammar",
    "model",
)
