"""A cache of facts about adapter files, so that a second start reads no header and hashes nothing again.

Only ever a shortcut: each fact is bound to path, size and date, and all works the same from memory. A digest is bound to
more, since pictures are recorded by it: the time of the last change of the inode too, which cannot be set by hand, and to
a sample of the content, for file systems that keep no such time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from lora_mixer.catalog.store import Store
from lora_mixer.catalog.training_metadata import alias, base_hint, claimed_digests, trained_words
from lora_mixer.errors import FileError
from lora_mixer.files import PICKLE_SUFFIXES, Digests, digest_file, open_tensor_file, sample_of


class Stamp(NamedTuple):
    """A file's identity: unchanged means the same file."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The cached facts of an adapter's header.

    Attributes:
        problem: Why the file cannot be used.
        passing: Whether the problem lies outside the file (permissions, drive) and may pass.
        alias: The name its trainer gave it.
        words: Its trained words.
        base: The base family claimed by its metadata.
        claims: The digests claimed by its metadata.
    """

    problem: str | None = None
    passing: bool = False
    alias: str | None = None
    words: tuple[str, ...] = ()
    base: str | None = None
    claims: tuple[str, ...] = ()


def stamp_of(path: Path) -> Stamp | None:
    """Return a file's stamp, or None if it is not there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return Stamp(status.st_size, status.st_mtime_ns)


def learn(path: Path) -> Facts:
    """Read a file's header. A pickle is not opened: its facts stay empty."""
    if path.suffix.lower() in PICKLE_SUFFIXES:
        return Facts()
    try:
        metadata = open_tensor_file(path).metadata
    except FileError as error:
        problem = f"{error.what}. {error.remedy}" if error.remedy else error.what
        return Facts(problem=problem, passing=isinstance(error.__cause__, OSError))
    return Facts(
        alias=alias(metadata),
        words=trained_words(metadata),
        base=base_hint(metadata),
        claims=claimed_digests(metadata),
    )


class FileStamp(NamedTuple):
    """What must be unchanged for a cached digest to be trusted."""

    size: int
    mtime_ns: int
    ctime_ns: int


def mark_of(path: Path) -> FileStamp | None:
    """Return a file's mark, or None if it is not there."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class _Hashed(NamedTuple):
    """A file's digests, with its stamp and sample when they were computed."""

    mark: FileStamp
    sample: str
    digests: Digests


class FactsBook:
    """Facts and digests by path and stamp, in memory and, if possible, on disk.

    The file remembers whatever was ever seen; what lies in other folders is read from it when it is asked for.

    Args:
        path: The SQLite file; None keeps everything in memory.
        folders: The folders whose files are wanted.
    """

    def __init__(self, path: Path | None, folders: Iterable[Path] = ()) -> None:
        self._store = Store(path)
        self._facts: dict[Path, tuple[Stamp, Facts]] = {}
        self._digests: dict[Path, _Hashed] = {}
        self._folders = tuple(folders)
        self._read([_below(folder) for folder in self._folders])

    def facts(self, files: Iterable[tuple[Path, Stamp]]) -> dict[Path, Facts]:
        """Return the facts of all these files, reading the headers of new and changed ones only."""
        files = list(files)
        self._remember([path for path, _ in files if path not in self._facts])
        result: dict[Path, Facts] = {}
        learned: dict[Path, tuple[Stamp, Facts]] = {}
        for path, stamp in files:
            known = self._facts.get(path)
            if known is None or known[0] != stamp:
                known = (stamp, learn(path))
                if not known[1].passing:
                    learned[path] = known
            result[path] = known[1]
        if learned:
            self._facts.update(learned)
            rows = [(os.fsencode(p), *stamp, json.dumps(asdict(facts))) for p, (stamp, facts) in learned.items()]
            self._store.run(lambda db: db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?)", rows))
        return result

    def forget_all_but(self, seen: Container[Path], folders: Iterable[Path]) -> None:
        """Forget the files of some folders that are gone; a folder that is gone may come back with its drive."""
        roots = [folder for folder in folders if stamp_of(folder) is not None]
        gone = [p for p in {*self._facts, *self._digests} if p not in seen and any(p.is_relative_to(r) for r in roots)]
        if not gone:
            return
        for path in gone:
            self._facts.pop(path, None)
            self._digests.pop(path, None)
        keys = [(os.fsencode(path),) for path in gone]
        self._store.run(lambda db: db.executemany("DELETE FROM facts WHERE path = ?", keys))
        self._store.run(lambda db: db.executemany("DELETE FROM digests WHERE path = ?", keys))

    def known_digests(self, path: Path) -> Digests | None:
        """Return a file's digests if it was hashed before and has not changed since."""
        known = self._hashed(path)
        return known.digests if known is not None and known.mark == mark_of(path) else None

    def digests(self, path: Path) -> Digests:
        """Return a file's digests, hashing it if it is new, has changed, or holds other bytes where it is sampled.

        Raises:
            MissingFileError: It cannot be read.
        """
        mark, sample = mark_of(path), sample_of(path)
        known = self._hashed(path)
        if known is not None and (known.mark, known.sample) == (mark, sample):
            return known.digests
        digests = digest_file(path)
        if mark is not None and mark == mark_of(path):  # it was not written meanwhile
            self._digests[path] = _Hashed(mark, sample, digests)
            row = (os.fsencode(path), *mark, sample, digests.sha256, digests.autov3, digests.legacy)
            self._store.run(
                lambda db: db.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            )
        return digests

    def _hashed(self, path: Path) -> _Hashed | None:
        if path not in self._digests:
            self._remember([path])
        return self._digests.get(path)

    def _remember(self, paths: Iterable[Path]) -> None:
        """Read what the file says of some paths that are not in memory; all it says of its folders is."""
        elsewhere = [path for path in paths if not any(path.is_relative_to(folder) for folder in self._folders)]
        self._read([(os.fsencode(path),) * 2 for path in elsewhere])

    def _read(self, stretches: Sequence[tuple[bytes, bytes]]) -> None:
        """Read what the file says of the paths from one to another."""
        if stretches:
            self._facts.update(self._store.run(partial(_read_facts, stretches)) or {})
            self._digests.update(self._store.run(partial(_read_digests, stretches)) or {})


def _below(folder: Path) -> tuple[bytes, bytes]:
    """Return the bounds between which the paths below a folder lie, as bytes."""
    root = os.fsencode(folder).rstrip(os.sep.encode()) + os.sep.encode()
    return root, root + b"\xff" * 8


def _read_facts(stretches: Sequence[tuple[bytes, bytes]], db: sqlite3.Connection) -> dict[Path, tuple[Stamp, Facts]]:
    query = "SELECT path, size, mtime_ns, facts FROM facts WHERE path BETWEEN ? AND ?"
    rows = (row for stretch in stretches for row in db.execute(query, stretch))
    return {Path(os.fsdecode(path)): (Stamp(size, mtime), _facts(text)) for path, size, mtime, text in rows}


def _facts(text: str) -> Facts:
    table = json.loads(text)
    return Facts(**table | {"words": tuple(table["words"]), "claims": tuple(table["claims"])})


def _read_digests(stretches: Sequence[tuple[bytes, bytes]], db: sqlite3.Connection) -> dict[Path, _Hashed]:
    query = (
        "SELECT path, size, mtime_ns, ctime_ns, sample, sha256, autov3, legacy FROM digests WHERE path BETWEEN ? AND ?"
    )
    rows = (row for stretch in stretches for row in db.execute(query, stretch))
    return {
        Path(os.fsdecode(path)): _Hashed(
            FileStamp(*mark), sample, Digests(sha256=sha256, autov2=sha256[:10], autov3=autov3, legacy=legacy)
        )
        for path, *mark, sample, sha256, autov3, legacy in rows
    }
