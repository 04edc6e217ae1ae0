"""What models.toml may hold: one class a table, each field with the sentence an error ends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from lora_mixer.catalog.places import checked_place
from lora_mixer.choices import find_preset, find_sampler, find_schedule
from lora_mixer.errors import RequestError
from lora_mixer.modules import Family
from lora_mixer.request import MAX_SIDE, MAX_STEPS

FamilyName = Literal["sd1", "sd2", "sdxl", "sdxl-refiner", "emoji"]
Location = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+$"),
    AfterValidator(checked_place),
]


def _known(find: Callable[[str], object]) -> AfterValidator:
    """Return a check that a table of `choices` has a name; the nearest is in the text."""

    def check(name: str) -> str:
        try:
            find(name)
        except RequestError as error:
            raise ValueError(str(error)) from error
        return name

    return AfterValidator(check)


Choice = Annotated[str, StringConstraints(min_length=1, max_length=100)]
ModelName = Annotated[str, StringConstraints(pattern=r"^[\w][\w.+-]{0,99}$")]


_FOLDERS = 'a list of folders, like ["loras", "D:/stable-diffusion/loras"]'


class _Table(BaseModel):
    """A table that refuses keys it does not know and values that would have to be converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class DefaultsTable(_Table):
    """`[defaults]` and `[models.NAME.defaults]`."""

    negative: str | None = Field(default=None, max_length=20_000, description="text in quotes")
    steps: int | None = Field(default=None, ge=1, le=MAX_STEPS, description=f"a whole number from 1 to {MAX_STEPS}")
    cfg: float | None = Field(default=None, ge=0, le=100, description="a number from 0 to 100")
    cfg_rescale: float | None = Field(default=None, ge=0, le=1, description="a number from 0 to 1")
    preset: Annotated[Choice, _known(find_preset)] | None = Field(default=None, description='a preset, like "lcm"')
    sampler: Annotated[Choice, _known(find_sampler)] | None = Field(
        default=None, description='a sampler, like "DPM++ 2M"'
    )
    schedule: Annotated[Choice, _known(find_schedule)] | None = Field(
        default=None, description='a schedule, like "Karras"'
    )
    rng: Literal["cpu", "nv", "gpu"] | None = Field(default=None, description="cpu, or nv (gpu)")
    width: int | None = Field(
        default=None, ge=8, le=MAX_SIDE, multiple_of=8, description="pixels, a multiple of 8, like 512"
    )
    height: int | None = Field(
        default=None, ge=8, le=MAX_SIDE, multiple_of=8, description="pixels, a multiple of 8, like 512"
    )
    clip_skip: int | None = Field(default=None, ge=1, le=12, description="a whole number from 1 to 12")
    emphasis: Literal["original", "no norm", "ignore"] | None = Field(
        default=None, description="original, no norm or ignore"
    )
    grammar: Literal["default", "a1111"] | None = Field(default=None, description="default or a1111")


class ModelTable(_Table):
    """`[models.NAME]`."""

    location: Location = Field(description="a .safetensors file, a diffusers folder, or a hub id like owner/name")
    family: FamilyName | None = Field(default=None, description=f"one of {', '.join(Family)}")
    vae: Location | None = Field(default=None, description="a VAE file or folder")
    dtype: Literal["float32", "bfloat16", "float16"] | None = Field(
        default=None, description="float32, bfloat16 or float16"
    )
    defaults: DefaultsTable = Field(default=DefaultsTable(), description="a table of default settings")


class FoldersTable(_Table):
    """`[folders]`."""

    loras: list[Location] = Field(default=["loras", "builtin:emoji/loras"], max_length=100, description=_FOLDERS)
    embeddings: list[Location] = Field(
        default=["embeddings", "builtin:emoji/embeddings"], max_length=100, description=_FOLDERS
    )
    wildcards: list[Location] = Field(default=["wildcards"], max_length=100, description=_FOLDERS)
    styles: list[Location] = Field(
        default=["styles.csv"], max_length=100, description='a list of files, like ["styles.csv"]'
    )


class ModelsTable(_Table):
    """The whole file."""

    default: ModelName | None = Field(default=None, description="the name of one of the models below")
    output: Location = Field(default="out", description="a folder")
    max_models: int = Field(default=1, ge=1, le=100, description="a whole number from 1 to 100")
    merge_cache_mb: int | None = Field(default=None, ge=0, le=2**20, description="a whole number of MiB, 0 or more")
    folders: FoldersTable = Field(default=FoldersTable(), description="a table of folder lists")
    defaults: DefaultsTable = Field(default=DefaultsTable(), description="a table of default settings")
    models: dict[ModelName, ModelTable] = Field(
        default={}, max_length=10_000, description="tables [models.NAME], the name of letters, digits and . _ + -"
    )
