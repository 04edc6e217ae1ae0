"""A small SQLite cache that may be missing, read-only, locked or damaged at no cost but time."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

ENVIRONMENT = "LORA_MIXER_CACHE"
FILE_NAME = "library.sqlite"
VERSION = 3  # of the tables and of what their columns mean; a file of another version is emptied
_TABLES = {
    "facts": "path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, facts TEXT",
    "digests": "path BLOB PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, sample TEXT, sha256 TEXT, "
    "autov3 TEXT, legacy TEXT",
}
_SECONDS_TO_WAIT = 5.0
_log = logging.getLogger(__name__)
_T = TypeVar("_T")


def default_cache() -> Path | None:
    """Return where the cache lies: in `LORA_MIXER_CACHE` or the user's cache folder; None without a home."""
    try:
        return _cache_folder().expanduser() / FILE_NAME
    except RuntimeError:  # no home folder is known
        return None


def _cache_folder() -> Path:
    if folder := os.environ.get(ENVIRONMENT):
        return Path(folder)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or "~/AppData/Local") / "lora-mixer" / "Cache"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/lora-mixer")
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "lora-mixer"


class Store:
    """The cache file. After the first failure it is not used again, and every call returns None."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def run(self, work: Callable[[sqlite3.Connection], _T]) -> _T | None:
        """Run some work in one transaction; return its result, or None without a usable file."""
        if self._path is None:
            return None
        try:
            return _in_transaction(self._path, work)
        except (OSError, sqlite3.OperationalError) as error:
            self._give_up(error)
        except (sqlite3.DatabaseError, KeyError, TypeError, ValueError) as error:  # damaged: begin another
            self._set_aside(self._path, error)
        return None

    def _set_aside(self, path: Path, error: Exception) -> None:
        try:
            path.replace(path.with_name(f"{path.name}.damaged"))
        except (OSError, ValueError):  # ValueError: a NUL in the name
            self._give_up(error)
        else:
            _log.info("the damaged cache %s was set aside (%s)", path, error)

    def _give_up(self, error: Exception) -> None:
        _log.info("going on without the cache %s (%s)", self._path, error)
        self._path = None


def _in_transaction(path: Path, work: Callable[[sqlite3.Connection], _T]) -> _T:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=_SECONDS_TO_WAIT)) as connection, connection:
        if _version(connection) != VERSION:
            _make_tables(connection)
        return work(connection)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if _version(connection) != VERSION:  # another process may just have made them
        for name, columns in _TABLES.items():
            connection.execute(f"DROP TABLE IF EXISTS {name}")
            connection.execute(f"CREATE TABLE {name} ({columns}) WITHOUT ROWID")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.commit()
