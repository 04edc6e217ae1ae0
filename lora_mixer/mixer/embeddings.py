"""The embeddings in the folders of models.toml, opened once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from lora_mixer.catalog import EmbeddingLibrary
from lora_mixer.conditioning import EmbeddingVectors, load_embedding
from lora_mixer.errors import FileError


def open_embeddings(folders: Iterable[Path]) -> tuple[Mapping[str, EmbeddingVectors], tuple[str, ...]]:
    """Return the embeddings by name, and a sentence for each file that cannot be read."""
    opened: dict[str, EmbeddingVectors] = {}
    broken: list[str] = []
    for name, path in EmbeddingLibrary(folders).files.items():
        try:
            opened[name] = load_embedding(path)
        except FileError as error:
            broken.append(str(error))
    return opened, tuple(broken)
