"""models.toml: which models, folders and default settings there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.catalog.places import BUILTIN, checked_place, model_location
from lora_mixer.errors import ModelError
from lora_mixer.families import Family, find_family
from lora_mixer.request import ModelSource, RenderRequest

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsFile:
    """A models.toml that was read and checked.

    Attributes:
        path: The file.
        default: The name of the model that is used when none is named.
        models: The models by name, in the file's order, their paths made absolute.
        lora_folders: Where adapters are looked for.
        embedding_folders: Where textual inversion embeddings are looked for.
        upscaler_folders: Where networks that enlarge pictures are looked for.
        wildcard_folders: Where wildcard files are looked for.
        style_files: A1111's `styles.csv` files, whether they are there or not.
        output: Where pictures go.
        max_models: How many models may be in memory at once.
        merge_cache_mb: How many MiB of merged weights of earlier mixes are kept; None: sized by the model.
        defaults: Settings for what a request leaves open.
        model_defaults: The same for single models; they win over `defaults`.
    """

    path: Path
    default: str
    models: Mapping[str, ModelSource]
    lora_folders: tuple[Path, ...]
    embedding_folders: tuple[Path, ...]
    upscaler_folders: tuple[Path, ...]
    wildcard_folders: tuple[Path, ...]
    style_files: tuple[Path, ...]
    output: Path
    max_models: int
    merge_cache_mb: int | None
    defaults: RenderRequest
    model_defaults: Mapping[str, RenderRequest]

    def model(self, name: str | Path | None = None) -> ModelSource:
        """Return the model of a name, or the one at a path or hub id.

        Args:
            name: A name in this file, a `.safetensors` file, a diffusers folder, or a hub id such as `owner/name`;
                None means the default.

        Raises:
            ModelError: None of these.
        """
        text = self.default if name is None else str(name)
        if text in self.models:
            return self.models[text]
        try:
            if text.startswith(BUILTIN):
                location = model_location(checked_place(text), Path())
                return ModelSource(name=text.removeprefix(BUILTIN), location=location)
            path = Path(text).expanduser().absolute()
            if path.exists():
                return ModelSource(name=path.stem if path.is_file() else path.name, location=str(path))
        except (OSError, ValueError, RuntimeError) as error:  # too long, a NUL, a home that is not known
            raise ModelError(f"there is no such model: {error}", where=repr(text[:80])) from error
        if _HUB_ID.fullmatch(text) and path.suffix != ".safetensors":
            return ModelSource(name=text, location=text)
        known = ", ".join(self.models)
        raise ModelError(
            f"there is no model, file or folder called {text!r}",
            where=str(self.path),
            remedy=did_you_mean(text, self.models, otherwise=f"Known models: {known}."),
        )

    def family_of(self, name: str | None = None) -> Family | None:
        """Return the base family that a model is said to be of; None where only its tensors tell."""
        try:
            stated = self.model(name).family
        except ModelError:  # told by itself
            return None
        return find_family(stated) if stated else None

    def defaults_for(self, name: str | None = None) -> RenderRequest:
        """Return the settings for what a request to a model leaves open, with an empty prompt."""
        own = self.model_defaults.get(self.default if name is None else name)
        return self.defaults if own is None else own.over(self.defaults)
