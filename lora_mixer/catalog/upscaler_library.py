"""Upscalers by name: A1111's where it has one for a file, else the file's name without ending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from lora_mixer.catalog.admitted import admitted_files
from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.catalog.spellings import spell
from lora_mixer.catalog.walk import BrokenFile, walk
from lora_mixer.choices import UPSCALER_ALIASES, UPSCALER_FILES, UPSCALERS, key_of
from lora_mixer.errors import MissingFileError

ADMITTED = "upscaler:"
"""What stands before an upscaler's name among files that are admitted by name, which LoRAs are, too."""
UPSCALER_SUFFIXES = frozenset({".safetensors", ".pth", ".pt", ".ckpt", ".bin"})

_STEMS = MappingProxyType({key_of(stem): name for name, stems in UPSCALER_FILES.items() for stem in stems})
_A1111 = MappingProxyType(
    {key_of(name): name for name in UPSCALER_FILES} | {key_of(said): name for said, name in UPSCALER_ALIASES.items()}
)


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

    @property
    def broken(self) -> tuple[BrokenFile, ...]:
        """Files and folders that cannot be looked at."""
        return self._broken

    def refresh(self) -> None:
        """Look at the folders again."""
        found, broken = walk(self._folders, UPSCALER_SUFFIXES)
        spellings = spell((file.path, file.root) for file in found if file.size)
        empty = (BrokenFile(path=file.path, reason="the file is empty") for file in found if not file.size)
        self._broken = (*broken, *empty)
        meant: dict[str, dict[Path, None]] = {}
        for text, paths in spellings.files.items():
            for key in {key_of(text), key_of(_STEMS.get(key_of(text), text))}:
                meant.setdefault(key, {}).update(dict.fromkeys(paths))
        self._meant = {key: tuple(paths) for key, paths in meant.items()}
        self._names = {path: self._shortest(name, path) for path, name in spellings.names.items()}
        self._files = MappingProxyType(dict(sorted((name, path) for path, name in self._names.items())))

    def find(self, name: str) -> tuple[str, Path]:
        """Return an upscaler's name in this library, and its file.

        Raises:
            MissingFileError: There is none, or there are several; the nearest name, or the file to get, is in the remedy.
        """
        given = (admitted_files() or {}).get(ADMITTED + name)
        if given is not None:
            return name, given
        key = key_of(_A1111.get(key_of(name), name))
        if key not in self._meant:
            self.refresh()
        paths = self._meant.get(key, ())
        if len(paths) == 1:
            return self._names[paths[0]], paths[0]
        if paths:
            candidates = " or ".join(self._names[path] for path in paths)
            raise MissingFileError(f"{name[:200]!r} can mean several upscalers", remedy=f"Use {candidates}.")
        raise MissingFileError(f"there is no upscaler called {name[:200]!r}", remedy=self._remedy(name))

    def has(self, name: str) -> bool:
        """Tell whether there is an upscaler of a name."""
        return key_of(_A1111.get(key_of(name), name)) in self._meant

    def with_digest(self, wanted: str, sha256: Callable[[Path], str]) -> Path | None:
        """Return the file with a digest, whatever it is called here."""
        return next((path for path in self._files.values() if sha256(path) == wanted), None)

    def _shortest(self, name: str, path: Path) -> str:
        """Return A1111's name of a file if no other one here has it."""
        known = _STEMS.get(key_of(path.stem))
        return known if known is not None and self._meant[key_of(known)] == (path,) else name

    def _remedy(self, name: str) -> str:
        stems = UPSCALER_FILES.get(_A1111.get(key_of(name), ""), ())
        if stems:
            return f"Put {' or '.join(f'{stem}.pth' for stem in stems)} into an upscalers folder, or use Lanczos."
        known = (*self._files, *(row.name for row in UPSCALERS))
        return did_you_mean(name, known, otherwise="Put its file into an upscalers folder of models.toml.")
