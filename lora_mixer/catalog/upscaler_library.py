"""Upscalers by name: A1111's where it has one for a file, else the file's name without ending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.catalog.spellings import spell
from lora_mixer.catalog.walk import walk
from lora_mixer.choices import UPSCALER_FILES, key_of
from lora_mixer.errors import MissingFileError

UPSCALER_SUFFIXES = frozenset({".safetensors", ".pth", ".pt", ".ckpt", ".bin"})

_A1111 = MappingProxyType({key_of(stem): name for name, stems in UPSCALER_FILES.items() for stem in stems})


class UpscalerLibrary:
    """Upscalers in some folders and below. Case, spaces, hyphens and underscores of a name do not matter.

    Args:
        folders: Where to look; a folder that is not there holds nothing.
    """

    def __init__(self, folders: Iterable[str | Path]) -> None:
        self._folders = tuple(Path(folder) for folder in folders)
        self.refresh()

    @property
    def files(self) -> Mapping[str, Path]:
        """The files by name, in order of the names."""
        return self._files

    def refresh(self) -> None:
        """Look at the folders again."""
        found, _ = walk(self._folders, UPSCALER_SUFFIXES)
        names = spell((file.path, file.root) for file in found if file.size).names
        told = {_A1111.get(key_of(name), name): path for path, name in names.items()}
        self._files = MappingProxyType(dict(sorted(told.items())))
        self._by_key = {key_of(name): path for path, name in names.items()}
        self._by_key |= {key_of(name): path for name, path in told.items()}

    def find(self, name: str) -> Path:
        """Return the file of an upscaler.

        Raises:
            MissingFileError: There is none; the nearest name, or the file to get, is in the remedy.
        """
        if key_of(name) not in self._by_key:
            self.refresh()
        path = self._by_key.get(key_of(name))
        if path is None:
            stems = {key_of(known): stems for known, stems in UPSCALER_FILES.items()}.get(key_of(name), ())
            wanted = f"Put {' or '.join(f'{stem}.pth' for stem in stems)} into an upscalers folder." if stems else ""
            remedy = wanted or did_you_mean(name, self._files, otherwise="Check the upscalers folders in models.toml.")
            raise MissingFileError(f"there is no upscaler called {name[:200]!r}", remedy=remedy)
        return path
