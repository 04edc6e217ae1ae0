"""`set-aside/` in a run's folder: pictures no longer asked for, damaged files, whatever was in the way. Nothing is deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from lora_mixer.images import plain
from lora_mixer.ledger.ledger import MANIFEST, Damaged, LedgerEntry, entry_lines
from lora_mixer.ledger.seal import sealed
from lora_mixer.store import RunStore

ASIDE = "set-aside"
_HERE = re.compile(rf"{ASIDE}/[^/\\]+")


class Aside:
    """What was set aside of a run.

    Args:
        store: Where the run is kept.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._names: set[str] | None = None

    def entries(self) -> tuple[LedgerEntry, ...]:
        """Return the pictures that were set aside whole."""
        try:
            lines = entry_lines(self._store.read(f"{ASIDE}/{MANIFEST}")).whole
        except OSError:
            return ()
        return tuple(line for line in lines if _HERE.fullmatch(line.file.as_posix()))

    def pictures(self, entries: Iterable[LedgerEntry]) -> int:
        """Move whole pictures here, to come back when they are asked for again; return their number.

        Each is entered before it is moved, so a crash in between loses neither.

        Raises:
            OSError: They cannot be moved.
        """
        count = 0
        for entry in entries:
            name = self._free(f"{entry.file.stem}-{entry.digest[:8]}{entry.file.suffix}")
            line = plain(entry)
            assert isinstance(line, dict)
            self._store.append(f"{ASIDE}/{MANIFEST}", sealed(line | {"file": name}) + b"\n")
            self._store.move(entry.file.as_posix(), name)
            count += 1
        return count

    def take(self, name: str) -> str:
        """Move any file or folder here; return its new name.

        Raises:
            OSError: It cannot be moved.
        """
        new = self._free(PurePosixPath(name).name)
        self._store.move(name, new)
        return new

    def lines(self, name: str, lines: Iterable[Damaged]) -> str:
        """Keep a file's damaged lines; return the name of the file that now holds them.

        Raises:
            OSError: They cannot be written.
        """
        kept = f"{ASIDE}/{name}.damaged"
        self._store.append(kept, b"".join(line.text + b"\n" for line in lines))
        return kept

    def _free(self, name: str) -> str:
        """Return a name not yet taken here."""
        if self._names is None:
            self._names = set(self._store.names(ASIDE))
        path, number, wanted = PurePosixPath(name), 1, name
        while wanted in self._names:
            number += 1
            wanted = f"{path.stem}-{number}{path.suffix}"
        self._names.add(wanted)
        return f"{ASIDE}/{wanted}"
