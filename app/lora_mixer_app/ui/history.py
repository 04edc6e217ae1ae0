"""Every picture that was made, in an SQLite file beside the pictures: searchable, pinnable, deletable.

The pictures are the truth and carry their whole record; a history that is lost is read back from them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lora_mixer.errors import FileError
from lora_mixer.images import RenderRecord, infotext, read_picture

VERSION = 1  # of the table; a file of another version is filled anew from the pictures
_TABLE = """
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0,
    record TEXT NOT NULL,
    words TEXT NOT NULL
)
"""
_SECONDS_TO_WAIT = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture of the history."""

    id: int
    path: Path
    pinned: bool
    record: RenderRecord


class History:
    """The pictures of a folder.

    Args:
        folder: Where the pictures lie.
        database: The SQLite file; it is made, and filled from the folder, if it is not there.

    Raises:
        FileError: The file cannot be used.
    """

    def __init__(self, folder: Path, database: Path) -> None:
        self._folder = folder
        self._database = database
        folder.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                db.execute("DROP TABLE IF EXISTS pictures")
                db.execute(_TABLE)
                db.execute(f"PRAGMA user_version = {VERSION}")
                db.executemany(_INSERT, _found(folder))

    def add(self, path: Path, record: RenderRecord, *, owner: str = "") -> Kept:
        """Remember a picture that was written into the folder."""
        with self._open() as db:
            key = db.execute(_INSERT, _row(path, record, owner)).lastrowid
        return Kept(id=int(key or 0), path=path, pinned=False, record=record)

    def search(self, text: str = "", *, owner: str = "", limit: int = 60) -> tuple[Kept, ...]:
        """Return an owner's pictures whose prompt, LoRAs, model or seed hold all the words; pinned first, then newest."""
        words = text.split()[:20]
        where = "".join(r" AND words LIKE ? ESCAPE '\'" for _ in words)
        patterns = [f"%{_escaped(word)}%" for word in words]
        query = f"SELECT {_COLUMNS} FROM pictures WHERE owner = ?{where} ORDER BY pinned DESC, id DESC LIMIT ?"  # noqa: S608 only question marks are put in
        with self._open() as db:
            rows = db.execute(query, (owner, *patterns, limit)).fetchall()
        return tuple(self._kept(row) for row in rows)

    def get(self, key: int, *, owner: str = "") -> Kept | None:
        """Return an owner's picture, or None if it is gone."""
        with self._open() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM pictures WHERE id = ? AND owner = ?", (key, owner)).fetchone()  # noqa: S608 a constant
        return self._kept(row) if row else None

    def pin(self, key: int, *, pinned: bool, owner: str = "") -> None:
        """Keep a picture at the head of the list, or no longer."""
        with self._open() as db:
            db.execute("UPDATE pictures SET pinned = ? WHERE id = ? AND owner = ?", (pinned, key, owner))

    def delete(self, key: int, *, owner: str = "") -> None:
        """Delete a picture, and its file.

        Raises:
            FileError: The file cannot be deleted.
        """
        kept = self.get(key, owner=owner)
        if kept is None:
            return
        try:
            kept.path.unlink(missing_ok=True)
        except OSError as error:
            raise FileError(
                f"the picture cannot be deleted ({error.strerror})", where=kept.path.name, remedy="Check the folder."
            ) from error
        with self._open() as db:
            db.execute("DELETE FROM pictures WHERE id = ?", (key,))

    def _kept(self, row: tuple[int, str, int, str]) -> Kept:
        key, file, pinned, record = row
        return Kept(id=key, path=self._folder / file, pinned=bool(pinned), record=RenderRecord.from_json(record))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._database, timeout=_SECONDS_TO_WAIT)) as db, db:
                yield db
        except sqlite3.Error as error:
            raise FileError(
                f"the history cannot be used ({error})",
                where=str(self._database),
                remedy="Move the file away; it is made anew from the pictures.",
            ) from error


_COLUMNS = "id, file, pinned, record"
_INSERT = "INSERT OR REPLACE INTO pictures (file, owner, record, words) VALUES (?, ?, ?, ?)"


def _row(path: Path, record: RenderRecord, owner: str) -> tuple[str, str, str, str]:
    return path.name, owner, record.to_json(), infotext(record)


def _found(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    for path in sorted(folder.glob("*.png")):
        try:
            record = read_picture(path).record
        except FileError:  # a stranger's file in the folder is no picture of ours
            continue
        if record is not None:
            yield _row(path, record, "")


def _escaped(word: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\%_" else letter for letter in word)
