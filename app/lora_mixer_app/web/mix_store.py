"""Saved mixes, one small TOML file each."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lora_mixer.errors import FileError, MissingFileError, RequestError
from lora_mixer.images import write_whole
from lora_mixer.promptfile import MixFile, mix_text, parse_mix_file, read_mix_file

LONGEST_NAME = 80
_ENDING = ".toml"
_BIN = ".bin"
_DAYS_KEPT = 30
_MARKS = " ._-()+&,"


class MixStore:
    """The mixes of a folder, by name.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def names(self) -> tuple[str, ...]:
        """Return the names of all mixes."""
        return tuple(sorted(path.stem for path in self.folder.glob(f"*{_ENDING}")))

    def load(self, name: str) -> MixFile:
        """Return a mix.

        Raises:
            MissingFileError: There is none of that name.
            ConfigError: Its file was damaged.
        """
        return read_mix_file(self.path(name))

    def save(self, name: str, mix: MixFile) -> None:
        """Save a mix; one of that name before goes into the bin.

        Raises:
            RequestError: There is no LoRA in it, or no file can be called so.
            FileError: The file cannot be written.
        """
        if not mix.mix.uses and not mix.regions:
            raise RequestError("there is no LoRA in this mix", remedy="Switch one on first.")
        data = mix_text(*mix).encode()
        path = self.path(name)
        if path.exists() and path.read_bytes() != data:
            self._throw_away(path)
        write_whole(path, lambda out: out.write(data))

    def take_in(self, name: str, data: bytes) -> MixFile:
        """Save a mix that somebody shared, and return it.

        Raises:
            ConfigError: It is no mix.
            RequestError, FileError: As `save`.
        """
        mix = parse_mix_file(data, where=name)
        self.save(name, mix)
        return mix

    def rename(self, name: str, new: str) -> None:
        """Give a mix another name.

        Raises:
            RequestError: There is one of that name already, or no file can be called so.
            MissingFileError: There is none of the old name.
        """
        if self.path(new).exists():
            raise RequestError(f"there is a mix called {new!r} already", remedy="Choose another name.")
        with _missing(name):
            self.path(name).rename(self.path(new))

    def delete(self, name: str) -> None:
        """Put a mix into the bin, where it lies for 30 days.

        Raises:
            MissingFileError: There is none of that name.
        """
        with _missing(name):
            self._throw_away(self.path(name))

    def restore(self, name: str) -> None:
        """Take the newest mix of a name out of the bin; one that has the name meanwhile goes into it.

        Raises:
            MissingFileError: There is none of that name in the bin.
        """
        path = self.path(name)
        thrown = sorted(self._bin.glob(f"*{_ENDING}"), reverse=True)  # newest first
        found = next((one for one in thrown if one.name.partition("-")[2] == path.name), None)
        with _missing(name):
            if found is None:
                raise FileNotFoundError
            if path.exists():
                self._throw_away(path)
            found.rename(path)

    @property
    def _bin(self) -> Path:
        return self.folder / _BIN

    def _throw_away(self, path: Path) -> None:
        """Put a file into the bin under the time and its name; what lies there too long is deleted."""
        self._bin.mkdir(exist_ok=True)
        path.rename(self._bin / f"{time.time_ns()}-{path.name}")
        oldest = time.time_ns() - _DAYS_KEPT * 86_400 * 10**9
        for thrown in self._bin.glob(f"*{_ENDING}"):
            stamp = thrown.name.partition("-")[0]
            if stamp.isdecimal() and int(stamp) < oldest:
                thrown.unlink(missing_ok=True)

    def path(self, name: str) -> Path:
        """Return the file of a name.

        Raises:
            RequestError: No file can be called so.
        """
        clean = unicodedata.normalize("NFC", name).strip()
        plain = all(letter.isalnum() or letter in _MARKS for letter in clean)
        if not clean or not plain or clean.startswith(".") or len(clean.encode()) > LONGEST_NAME * 3:
            raise RequestError(
                f"a mix cannot be called {name[:LONGEST_NAME]!r}",
                remedy="Use letters, digits and spaces, and begin with one of them.",
            )
        return self.folder / f"{clean}{_ENDING}"


@contextmanager
def _missing(name: str) -> Iterator[None]:
    """Say in our words that a file is not there, or cannot be changed."""
    try:
        yield
    except FileNotFoundError as error:
        raise MissingFileError(f"there is no mix called {name!r}", remedy="Choose one of the list.") from error
    except OSError as error:
        raise FileError(
            f"the mix cannot be changed ({error.strerror})", where=name, remedy="Check the folder."
        ) from error
