"""Wildcards: lists of words in `.txt`, `.yaml` and `.json` files, by name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from functools import cached_property, lru_cache
from pathlib import Path

from lora_mixer.errors import ConfigError, FileError, LoraMixerError, PromptError
from lora_mixer.files import read_file
from lora_mixer.prompt.lines import LazyLines
from lora_mixer.prompt.yaml_lists import read_yaml

_MAX_BYTES = 16 * 2**20
_KEPT = 32  # parsed files kept while unchanged
_LISTED = frozenset({".yaml", ".yml", ".json"})

_Stamp = tuple[int, int]


class Wildcards:
    """Wildcards in folders. Files are listed on first use and read when named.

    An unreadable file affects only its own lists.

    Args:
        folders: Where they lie; the first folder that has a name wins.
    """

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = tuple(folders)
        self._broken: list[LoraMixerError] = []
        self._options: dict[str, LazyLines] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all wildcards."""
        return tuple(sorted(self._lists))

    def knows(self, name: str) -> bool:
        """Tell whether there is a wildcard of a name; one with `*` may fit nothing."""
        return "*" in name or _plain(name) in self._lists

    def options(self, name: str, *, at: int) -> LazyLines:
        """Return every line of a wildcard as an option.

        Raises:
            PromptError: As `values`.
            ConfigError: As `values`.
        """
        wanted = _plain(name)
        if wanted not in self._options:
            self._options[wanted] = LazyLines(self.values(name, at=at))
        return self._options[wanted]

    def values(self, name: str, *, at: int) -> tuple[str, ...]:
        """Return every line of a wildcard; a name with `*` takes every list it fits.

        Raises:
            PromptError: There is no such wildcard; the nearest name is in the text.
            ConfigError: Its file cannot be read.
        """
        wanted = _plain(name)
        if "*" in wanted:
            fits = re.compile(translate(wanted))
            return tuple(dict.fromkeys(v for n in sorted(self._lists) if fits.match(n) for v in self._list(n)))
        if wanted in self._lists:
            return self._list(wanted)
        if self._broken:
            broken = self._broken[0]
            raise ConfigError(
                f"there is no wildcard __{name}__ in what can be read; this file cannot be ({broken.what})",
                where=broken.where,
                remedy="Mend the file, or check the name.",
            ) from broken
        near = difflib.get_close_matches(wanted[:100], self._lists, n=1)
        hint = f"Did you mean __{near[0]}__?" if near else "Put a .txt or .yaml file of that name into the folder."
        raise PromptError(f"there is no wildcard __{name[:100]}__", position=at, remedy=hint)

    @cached_property
    def _lists(self) -> dict[str, tuple[Path, Path, str | None]]:
        """Name -> the file it stands in, the folder that was searched and, for YAML, the key."""
        lists: dict[str, tuple[Path, Path, str | None]] = {}
        for folder in self._folders:
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(folder).with_suffix("").as_posix()
                if path.suffix == ".txt":
                    lists.setdefault(name, (path, folder, None))
                elif path.suffix in _LISTED:
                    try:
                        keys = list(_read(path, folder))
                    except LoraMixerError as error:
                        self._broken.append(error)
                        continue
                    for key in keys:
                        lists.setdefault(key or name, (path, folder, key))
        return lists

    def _list(self, name: str) -> tuple[str, ...]:
        path, folder, key = self._lists[name]
        return _read(path, folder)[key or ""]


def _plain(name: str) -> str:
    return name.strip().strip("/")


def _read(path: Path, folder: Path) -> Mapping[str, tuple[str, ...]]:
    """Return the lists of a file by their key, "" for a list without one.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        status = path.stat()
        return _read_once(path, folder, (status.st_size, status.st_mtime_ns))
    except FileError as error:
        what = f"the wildcard file cannot be read: {error.what}"
        raise ConfigError(what, where=str(path), remedy=error.remedy) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the wildcard file cannot be read ({error})", where=str(path)) from error


@lru_cache(maxsize=_KEPT)
def _read_once(path: Path, folder: Path, _stamp: _Stamp) -> Mapping[str, tuple[str, ...]]:
    text = read_file(path, at_most=_MAX_BYTES, inside=folder).decode("utf-8-sig")
    if path.suffix in _LISTED:
        return read_yaml(text, where=str(path))
    lines = (line.strip() for line in text.splitlines())
    return {"": tuple(line for line in lines if line and not line.startswith("#"))}
