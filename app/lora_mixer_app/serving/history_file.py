"""The history's SQLite file: for its owner's eyes only, and set aside where it is damaged."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

from lora_mixer.errors import FileError

COLUMNS = {"id", "file", "owner", "pinned", "binned", "model", "loras", "record", "words"}
BESIDE = ("", "-journal", "-wal", "-shm")
"""Endings of the files SQLite keeps of one database; an old journal must not be played into a new one."""


def make_sound(database: Path, version: int) -> tuple[str, ...]:
    """Make sure that there is a database which can be opened, readable by its owner only.

    Returns:
        What was done about a damaged one, a sentence each.

    Raises:
        FileError: It can neither be used nor set aside.
    """
    said: tuple[str, ...] = ()
    try:
        if (damage := _damage(database, version)) is not None:
            aside = _set_aside(database)
            said = (f"{database.name} was damaged ({damage}); it is kept as {aside.name}",)
        os.close(os.open(database, os.O_CREAT | os.O_RDWR, 0o600))
        database.chmod(0o600)
    except OSError as error:
        raise FileError(
            f"the history cannot be used ({error.strerror or error})",
            where=str(database),
            remedy="Check the permissions of the file and its folder.",
        ) from error
    return said


def _damage(database: Path, version: int) -> str | None:
    """Return what is wrong with a database; None if nothing is, it is not there, or it is not a matter of its content."""
    if not os.path.lexists(database):
        return None
    if not database.is_file():
        return "it is no file"
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                return str(found)
            if db.execute("PRAGMA user_version").fetchone()[0] != version:
                return None  # it is filled anew
            there = {row[1] for row in db.execute("PRAGMA table_info(pictures)")}
            return None if there >= COLUMNS else "its table is not the one it should be"
    except sqlite3.OperationalError:  # locked, or not to be read: said where it is used
        return None
    except sqlite3.DatabaseError as error:
        return str(error)


def _set_aside(database: Path) -> Path:
    names = (database.with_name(f"{database.stem}.damaged-{number}{database.suffix}") for number in count(1))
    aside = next(name for name in names if not os.path.lexists(name))
    for ending in BESIDE:
        part = database.with_name(f"{database.name}{ending}")
        if os.path.lexists(part):
            part.rename(aside.with_name(f"{aside.name}{ending}"))
    return aside
