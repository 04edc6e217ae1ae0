"""What models.toml may hold: one class a table, each field with the sentence an error ends on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from lora_mixer.catalog.places import checked_place
from lora_mixer.errors import RequestError
from lora_mixer.families import find_family
from lora_mixer.settings import PICTURE
from lora_mixer.settings.schema import fields_of, with_fields

Location = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f]+$"),
    AfterValidator(checked_place),
]


def _family(name: str) -> str:
    """Return the name of a family, if there is one of it; the nearest is in the text."""
    try:
        return find_family(name).name
    except RequestError as error:
        raise ValueError(str(error)) from error


FamilyName = Annotated[str, AfterValidator(_family)]
ModelName = Annotated[str, StringConstraints(pattern=r"^[\w][\w.+-]{0,99}$")]


_FOLDERS = 'a list of folders, like ["loras", "D:/stable-diffusion/loras"]'


class _Table(BaseModel):
    """A table that refuses keys it does not know and values that would have to be converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True)


@with_fields(fields_of(row for row in PICTURE if row.in_models_file))
class DefaultsTable(_Table):
    """`[defaults]` and `[models.NAME.defaults]`: the settings that a model may say for what a request leaves open."""


class ModelTable(_Table):
    """`[models.NAME]`."""

    location: Location = Field(description="a .safetensors file, a diffusers folder, or a hub id like owner/name")
    family: FamilyName | None = Field(default=None, description='a family, like "sdxl"')
    vae: Location | None = Field(default=None, description="a VAE file or folder")
    upscaler: Location | None = Field(default=None, description="the file of an upscaler")
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
    upscalers: list[Location] = Field(default=["upscalers"], max_length=100, description=_FOLDERS)
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
