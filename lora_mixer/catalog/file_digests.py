"""Digests of model files, remembered between runs: hashing seven gigabytes takes longer than opening them."""

from __future__ import annotations

from pathlib import Path

from lora_mixer.catalog.facts import FactsBook
from lora_mixer.catalog.store import default_cache


class FileDigests:
    """The sha256 of files, hashed once while size, times and a sample stay the same.

    Args:
        cache: The SQLite cache; None for the one in the user's cache folder.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._book = FactsBook(default_cache() if cache is None else cache)

    def sha256(self, path: Path) -> str:
        """Return a file's sha256, 64 hex digits.

        Raises:
            MissingFileError: It cannot be read.
        """
        return self._book.digests(path.resolve()).sha256
