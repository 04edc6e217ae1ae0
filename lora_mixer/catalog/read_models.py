"""Find and read models.toml, with precise errors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from lora_mixer.catalog.models_file import ModelsFile
from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.catalog.places import model_location, package_data, resolved
from lora_mixer.catalog.refusals import refusal
from lora_mixer.catalog.schema import DefaultsTable, ModelsTable, ModelTable
from lora_mixer.catalog.toml_lines import line_of
from lora_mixer.catalog.toml_text import BadToml, load_toml
from lora_mixer.errors import BrokenFileError, ConfigError, MissingFileError
from lora_mixer.files import read_file
from lora_mixer.request import ModelSource, RenderRequest
from lora_mixer.wording import page

ENVIRONMENT = "LORA_MIXER_MODELS"
FILE_NAME = "models.toml"
MAX_BYTES = 1024 * 1024


def load_models_file(path: str | Path | None = None) -> ModelsFile:
    """Read models.toml.

    Args:
        path: The file; None looks at the environment variable `LORA_MIXER_MODELS`, then in the working folder,
            then takes the one that comes with the program (whose relative paths start at the working folder).

    Raises:
        MissingFileError: The file that was named is not there.
        ConfigError: The file is wrong; the error names the line, the key and what was expected.
    """
    named = path if path is not None else os.environ.get(ENVIRONMENT) or None
    local = Path(FILE_NAME)
    if named is not None:
        found = Path(named)
    elif local.is_file():
        found = local
    else:
        return read_models_text(*_read(_packaged()), base=Path.cwd())
    return read_models_text(*_read(found), base=found.resolve().parent)


def read_models_text(text: str, path: Path, *, base: Path) -> ModelsFile:
    """Read the text of a models.toml; relative paths start at `base`.

    Raises:
        ConfigError: The text is wrong.
    """
    table = _validated(_parsed(text, path), text, path)
    models = table.models or _packaged_models()
    default = next(iter(models)) if table.default is None else table.default
    if default not in models:
        raise ConfigError(
            f"the default model {default!r} is not among the models",
            where=f"{path}, line {line_of(text, ('default',))}, key default",
            remedy=did_you_mean(default, models, otherwise=f"Add a table [models.{default}]."),
        )
    return ModelsFile(
        path=path,
        default=default,
        models=MappingProxyType({name: _source(name, model, base) for name, model in models.items()}),
        lora_folders=_folders(table.folders.loras, base),
        embedding_folders=_folders(table.folders.embeddings, base),
        upscaler_folders=_folders(table.folders.upscalers, base),
        wildcard_folders=_folders(table.folders.wildcards, base),
        style_files=_folders(table.folders.styles, base),
        output=resolved(table.output, base),
        max_models=table.max_models,
        merge_cache_mb=table.merge_cache_mb,
        defaults=_request(table.defaults),
        model_defaults=MappingProxyType({name: _request(model.defaults) for name, model in models.items()}),
    )


def _packaged() -> Path:
    """Return the file in the wheel, or in a checkout the one beside the package."""
    in_wheel = package_data() / FILE_NAME
    return in_wheel if in_wheel.is_file() else package_data().parent.parent / FILE_NAME


def _packaged_models() -> dict[str, ModelTable]:
    """Return the models that come with the program, for a file that names none."""
    text, path = _read(_packaged())
    return _validated(_parsed(text, path), text, path).models


def _read(path: Path) -> tuple[str, Path]:
    try:
        content = read_file(path, at_most=MAX_BYTES)
    except MissingFileError as error:
        raise MissingFileError(
            f"models.toml cannot be read: {error.what}",
            where=str(path),
            remedy=f"Check --models and the variable {ENVIRONMENT}.",
        ) from error
    except BrokenFileError as error:
        raise ConfigError("the file is larger than 1 MiB", where=str(path), remedy="Is this a models.toml?") from error
    try:
        return content.decode("utf-8-sig"), path
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError("the file is not UTF-8 text", where=f"{path}, line {line}") from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    table = load_toml(text)
    if isinstance(table, BadToml):
        where = f"{path}, {table.place}" if table.place else str(path)
        raise ConfigError(table.what, where=where, remedy=f"An example is in {page('models-toml')}.")
    return table


def _validated(data: dict[str, Any], text: str, path: Path) -> ModelsTable:
    try:
        return ModelsTable.model_validate(data)
    except ValidationError as error:
        raise refusal(error, text, path) from error


def _source(name: str, model: ModelTable, base: Path) -> ModelSource:
    return ModelSource(
        name=name,
        location=model_location(model.location, base),
        family=model.family,
        vae=None if model.vae is None else model_location(model.vae, base),
        dtype=model.dtype,
        upscaler=None if model.upscaler is None else str(resolved(model.upscaler, base)),
    )


def _folders(texts: list[str], base: Path) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(resolved(text, base) for text in texts))


def _request(table: DefaultsTable) -> RenderRequest:
    settings: Mapping[str, Any] = table.model_dump()
    return RenderRequest(prompt="", **settings)
