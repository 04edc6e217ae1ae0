"""Which model somebody means."""

from __future__ import annotations

from lora_mixer.catalog import ModelsFile
from lora_mixer.errors import RequestError
from lora_mixer.request import ModelSource


def source_of(
    asked: str | None, *, current: ModelSource, first: ModelSource, models_file: ModelsFile, paths: bool
) -> ModelSource:
    """Return the model of a name; None means the current one, and so does its own name, wherever it was opened from.

    Args:
        asked: A name of models.toml, a path or a hub id.
        current: The model that is used where none is named.
        first: The model the mixer was opened with, which its owner may have named by a path.
        models_file: The models.toml.
        paths: Whether a path or a hub id may be asked for.

    Raises:
        RequestError: A path or a hub id is asked for where that is not allowed.
        ModelError: There is no such model.
    """
    if asked is None or asked == current.name:
        return current
    if asked == first.name and asked not in models_file.models:
        return first
    if not paths and asked not in models_file.models:
        raise RequestError(
            f"there is no model called {asked[:80]!r} in models.toml",
            where=str(models_file.path),
            remedy=f"Known models: {', '.join(models_file.models)}.",
        )
    return models_file.model(asked)
