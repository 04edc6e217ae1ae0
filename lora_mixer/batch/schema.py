"""The form of a TOML prompt file, checked by pydantic."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lora_mixer.batch.axes import Axis, field_axis, lora_axis, numbers
from lora_mixer.request import LoraUse, RenderRequest, Strength

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LoraTable(_Table):
    """One LoRA of a job: its name and either one strength or one each for the UNet and the text encoders."""

    name: str
    strength: Finite | int = 1.0
    te: Finite | int | None = None

    def use(self) -> LoraUse:
        """Return it as a request has it."""
        te = None if self.te is None else float(self.te)
        return LoraUse(name=self.name, strength=Strength(unet=float(self.strength), te1=te))


class Fields(_Table):
    """What a request may say; used for `[defaults]` and, with a name, for every job."""

    prompt: str | None = None
    negative: str | None = None
    loras: list[LoraTable] = []
    seed: int | None = None
    steps: int | None = None
    cfg: Finite | int | None = None
    sampler: str | None = None
    schedule: str | None = None
    width: int | None = None
    height: int | None = None
    clip_skip: int | None = None
    model: str | None = None


class JobTable(Fields):
    """One picture, or with axes one block of the sheet."""

    name: str | None = None

    def request(self, defaults: Fields) -> RenderRequest:
        """Return the request, gaps filled from the defaults; the LoRAs of both act."""
        own = {key: value for key, value in self.model_dump(exclude={"name", "loras"}).items() if value is not None}
        filled = defaults.model_dump(exclude={"loras"}) | own
        uses = tuple(table.use() for table in (*defaults.loras, *self.loras))
        return RenderRequest(**(filled | {"prompt": filled["prompt"] or "", "loras": uses}))


class AxisTable(_Table):
    """One axis: a LoRA with its strengths, or one field with its values."""

    lora: str | None = None
    strengths: str | list[Finite | int] | None = None
    prompt: list[str] | None = None
    negative: list[str] | None = None
    seed: list[int] | None = None
    steps: list[int] | None = None
    cfg: str | list[Finite | int] | None = None
    sampler: list[str] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        given = [key for key, value in self.model_dump(exclude={"strengths"}).items() if value is not None]
        if len(given) != 1:
            raise ValueError(
                "an axis varies one thing: lora with strengths, prompt, negative, seed, steps, cfg or sampler"
            )
        if (self.lora is None) != (self.strengths is None):
            raise ValueError("lora and strengths go together")
        return self

    def axis(self) -> Axis:
        """Return the axis.

        Raises:
            ConfigError: A range that cannot be read.
        """
        if self.lora is not None and self.strengths is not None:
            return lora_axis(self.lora, _floats(self.strengths))
        for field in ("prompt", "negative", "seed", "steps", "sampler"):
            values = getattr(self, field)
            if values is not None:
                return field_axis(field, values)
        return field_axis("cfg", _floats(self.cfg or []))


class AxesTable(_Table):
    """What varies along the columns and rows of the sheet."""

    columns: AxisTable | None = None
    rows: AxisTable | None = None


class PromptFileTable(_Table):
    """The whole file."""

    title: str = ""
    defaults: Fields = Fields()
    axes: AxesTable = AxesTable()
    jobs: list[JobTable] = []


def _floats(given: str | list[float | int]) -> tuple[float, ...]:
    return numbers(given) if isinstance(given, str) else tuple(float(value) for value in given)
