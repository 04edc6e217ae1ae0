"""Embeddings by name: the file name without suffix is the word used in prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.catalog.spellings import spell
from lora_mixer.catalog.walk import walk
from lora_mixer.errors import MissingFileError

EMBEDDING_SUFFIXES = frozenset({".bin", ".pt", ".safetensors"})


class EmbeddingLibrary:
    """Embeddings in folders and subfolders; names ignore case, as the text encoder does.

    Args:
        folders: Where to look; missing folders count as empty.
    """

    def __init__(self, folders: Iterable[str | Path]) -> None:
        self._folders = tuple(Path(folder) for folder in folders)
        self.refresh()

    @property
    def files(self) -> Mapping[str, Path]:
        """The embedding files by name; `.pt` and `.bin` are pickles, and never executed."""
        return self._files

    def refresh(self) -> None:
        """Rescan the folders."""
        found, _ = walk(self._folders, EMBEDDING_SUFFIXES)
        names = spell((file.path, file.root) for file in found if file.size).names
        self._files = MappingProxyType({name: path for path, name in sorted(names.items(), key=lambda row: row[1])})
        self._folded = {name.casefold(): path for name, path in self._files.items()}

    def find(self, name: str) -> Path:
        """Return the file of an embedding.

        Raises:
            MissingFileError: There is none; the nearest names are in the remedy.
        """
        path = self._folded.get(name.casefold())
        if path is None:
            self.refresh()
            path = self._folded.get(name.casefold())
        if path is None:
            remedy = did_you_mean(name, self._files, otherwise="Check the embedding folders in models.toml.")
            raise MissingFileError(f"there is no embedding called {name[:200]!r}", remedy=remedy)
        return path
