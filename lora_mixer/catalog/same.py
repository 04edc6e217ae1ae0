"""Decide whether two names mean the same adapter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lora_mixer.catalog.library import ADAPTER_SUFFIXES, Library
from lora_mixer.errors import AdapterError, FileError


def same_spelling(name: str, other: str) -> bool:
    r"""Tell whether two names are one file's for all that can be told without looking: folders and endings may be missing.

    >>> same_spelling("ink", "styles/ink.safetensors"), same_spelling("a/ink", "b/ink")
    (True, False)
    """
    short, long = sorted((_parts(name), _parts(other)), key=len)
    return long[len(long) - len(short) :] == short


def _parts(name: str) -> list[str]:
    plain = name.strip().replace("\\", "/").lower()
    for ending in ADAPTER_SUFFIXES:
        plain = plain.removesuffix(ending)
    return plain.split("/")


class SameAdapter:
    """Asks a library, opened on first use, since aliases and digests are names, too.

    Args:
        open_library: Opens the library.
    """

    def __init__(self, open_library: Callable[[], Library]) -> None:
        self._open = open_library
        self._library: Library | None = None
        self._known: dict[str, Path | None] = {}

    def __call__(self, name: str, other: str) -> bool:
        """Return whether two names mean the same adapter; unknown names are compared by spelling."""
        if name == other:
            return True
        left, right = self._path(name), self._path(other)
        return same_spelling(name, other) if left is None or right is None else left == right

    def _path(self, name: str) -> Path | None:
        if name not in self._known:
            self._library = self._library or self._open()
            try:
                self._known[name] = self._library.find(name).path
            except (AdapterError, FileError):
                self._known[name] = None
        return self._known[name]
