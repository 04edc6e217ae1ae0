"""Every picture that was made, in an SQLite file beside the pictures: searchable, pinnable, deletable.

The files are the truth, and the database only finds them faster: a picture carries its whole record, its folder says
whose it is, a list in that folder which are pinned, and the folder `.bin` in it which were thrown away. What the database
lacks is read from them as it is opened.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lora_mixer.errors import BrokenFileError, FileError
from lora_mixer.images import RenderRecord, infotext, read_picture, write_whole
from lora_mixer_app.serving.history_file import make_sound
from lora_mixer_app.serving.history_query import Query, joined, parted
from lora_mixer_app.serving.owners import folder_of, owner_at

VERSION = 2  # of the table; a file of another version is filled anew from the pictures
PINS = ".pinned"
BIN = ".bin"
DAYS_IN_BIN = 30
_TABLE = """
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY,
    file TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0,
    binned INTEGER NOT NULL DEFAULT 0,
    model TEXT NOT NULL,
    loras TEXT NOT NULL,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A stretch of what a query finds.

    Attributes:
        pictures: The stretch, pinned pictures first, then the newest.
        total: How many the query finds altogether.
    """

    pictures: tuple[Kept, ...]
    total: int


class History:
    """The pictures of a folder.

    Args:
        folder: Where the pictures lie; those of somebody with a name in a folder of theirs below it.
        database: The SQLite file; it is made if it is not there, and brought up to what lies in the folder. One that
            is damaged is set aside.

    Attributes:
        said: What had to be mended, a sentence each.

    Raises:
        FileError: The file cannot be used.
    """

    def __init__(self, folder: Path, database: Path) -> None:
        self._folder = folder
        self._database = database
        folder.mkdir(parents=True, exist_ok=True)
        self._empty_bins()
        self.said: tuple[str, ...] = make_sound(database, VERSION)
        with self._open() as db:
            if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                self._leave_before(db)
                db.execute("DROP TABLE IF EXISTS pictures")
                db.execute(_TABLE)
                db.execute(f"PRAGMA user_version = {VERSION}")
            found = self._follow_folder(db)
        if self.said:
            self.said = (*self.said, f"{found} pictures were read back into the history from their own records")

    def place(self, owner: str = "") -> Path:
        """Return the folder for somebody's pictures, which is made."""
        place = folder_of(self._folder, owner)
        place.mkdir(parents=True, exist_ok=True)
        return place

    def add(self, path: Path, record: RenderRecord, *, owner: str = "") -> Kept:
        """Remember a picture that was written into its owner's place."""
        with self._open() as db:
            key = db.execute(_INSERT, (*self._row(path, record, owner), 0, 0)).lastrowid
        return Kept(id=int(key or 0), path=path, pinned=False, record=record)

    def search(self, text: str = "", *, owner: str = "", limit: int = 60) -> tuple[Kept, ...]:
        """Return an owner's pictures whose prompt, LoRAs, model or seed hold all the words; pinned first, then newest."""
        return self.find(Query(text=text), owner=owner, limit=limit).pictures

    def find(self, query: Query, *, owner: str = "", start: int = 0, limit: int = 60) -> Found:
        """Return a stretch of an owner's pictures that a query finds."""
        where, values = query.clause(owner)
        count = f"SELECT COUNT(*) FROM pictures WHERE {where}"  # noqa: S608 only question marks are put in
        stretch = f"SELECT {_COLUMNS} FROM pictures WHERE {where} ORDER BY pinned DESC, id DESC LIMIT ? OFFSET ?"  # noqa: S608
        with self._open() as db:
            total = db.execute(count, values).fetchone()[0]
            rows = db.execute(stretch, (*values, limit, start)).fetchall()
        return Found(pictures=tuple(kept for row in rows if (kept := self._kept(row)) is not None), total=total)

    def facets(self, *, owner: str = "") -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Return the LoRAs and the models of an owner's pictures, those of most pictures first, with how many each has."""
        with self._open() as db:
            rows = db.execute("SELECT loras, model FROM pictures WHERE owner = ? AND NOT binned", (owner,)).fetchall()
        loras = Counter(name for column, _ in rows for name in parted(column))
        models = Counter(model for _, model in rows)
        return dict(loras.most_common()), dict(models.most_common())

    def in_bin(self, *, owner: str = "") -> tuple[int, ...]:
        """Return what lies in an owner's bin."""
        with self._open() as db:
            rows = db.execute("SELECT id FROM pictures WHERE owner = ? AND binned", (owner,)).fetchall()
        return tuple(key for (key,) in rows)

    def get(self, key: int, *, owner: str = "") -> Kept | None:
        """Return an owner's picture, in the bin too, or None if it is gone."""
        with self._open() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM pictures WHERE id = ? AND owner = ?", (key, owner)).fetchone()  # noqa: S608 a constant
        return self._kept(row) if row else None

    def pin(self, key: int, *, pinned: bool, owner: str = "") -> None:
        """Keep a picture at the head of the list, or no longer.

        Raises:
            FileError: The list of pins cannot be written.
        """
        with self._open() as db:
            db.execute("UPDATE pictures SET pinned = ? WHERE id = ? AND owner = ?", (pinned, key, owner))
            self._write_pins(db, owner)

    def throw_away(self, key: int, *, owner: str = "") -> Kept | None:
        """Put a picture into the bin, from which it goes after `DAYS_IN_BIN` days; return it, or None if it is gone.

        Raises:
            FileError: Its file cannot be moved.
        """
        return self._moved(key, owner, self.place(owner) / BIN)

    def restore(self, key: int, *, owner: str = "") -> Kept | None:
        """Take a picture out of the bin; return it, or None if it is gone.

        Raises:
            FileError: Its file cannot be moved.
        """
        return self._moved(key, owner, self.place(owner))

    def _moved(self, key: int, owner: str, place: Path) -> Kept | None:
        kept = self.get(key, owner=owner)
        if kept is None or kept.path.parent == place:
            return kept
        there = replace(kept, path=place / kept.path.name)
        try:
            place.mkdir(exist_ok=True)
            kept.path.replace(there.path)
        except OSError as error:
            raise FileError(
                f"the picture cannot be moved ({error.strerror})", where=kept.path.name, remedy="Check the folder."
            ) from error
        with self._open() as db:
            change = "UPDATE pictures SET file = ?, binned = ? WHERE id = ?"
            db.execute(change, (self._name(there.path), place.name == BIN, key))
        return there

    def delete(self, key: int, *, owner: str = "") -> None:
        """Delete a picture, and its file, for good.

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
            if kept.pinned:
                self._write_pins(db, owner)

    def _follow_folder(self, db: sqlite3.Connection) -> int:
        """Bring the table up to the folder: lines that a kill or a loss cost come back; return how many did."""
        known = {file for (file,) in db.execute("SELECT file FROM pictures")}
        files = {path.relative_to(self._folder).as_posix(): path for path in self._files()}
        db.executemany("DELETE FROM pictures WHERE file = ?", [(file,) for file in known - files.keys()])
        new = sorted((path for file, path in files.items() if file not in known), key=lambda path: path.name)
        rows = [row for path in new if (row := self._read(path)) is not None]
        db.executemany(_INSERT, rows)
        return len(rows)

    def _files(self) -> Iterator[Path]:
        for home in (self._folder, *self._folder.glob("@*/")):
            for place in (home, home / BIN):
                yield from place.glob("*.png")

    def _empty_bins(self) -> None:
        """Delete what was thrown away long ago: a file's inode says when it was moved."""
        long_ago = time.time() - DAYS_IN_BIN * 24 * 3600
        for path in self._files():
            if path.parent.name == BIN and path.stat().st_ctime < long_ago:
                path.unlink(missing_ok=True)

    def _read(self, path: Path) -> tuple[object, ...] | None:
        try:
            record = read_picture(path).record
        except FileError:  # a stranger's file in the folder is no picture of ours
            return None
        if record is None:
            return None
        owner = owner_at(self._folder, path)
        binned = path.parent.name == BIN
        pins = _pins(path.parent.parent if binned else path.parent)
        return (*self._row(path, record, owner), path.name in pins, binned)

    def _leave_before(self, db: sqlite3.Connection) -> None:
        """Write what only a table of an older version knows into the folder: whose pictures are, and which are pinned."""
        there = {row[1] for row in db.execute("PRAGMA table_info(pictures)")}
        if not there >= {"id", "file", "owner", "pinned"}:
            return
        rows = db.execute("SELECT id, file, owner FROM pictures WHERE owner != '' AND file NOT LIKE '%/%'").fetchall()
        for key, file, owner in rows:
            home = self.place(owner) / file
            if (self._folder / file).is_file():
                (self._folder / file).replace(home)
            db.execute("UPDATE pictures SET file = ? WHERE id = ?", (self._name(home), key))
        for (owner,) in db.execute("SELECT DISTINCT owner FROM pictures WHERE pinned").fetchall():
            self._write_pins(db, owner)

    def _write_pins(self, db: sqlite3.Connection, owner: str) -> None:
        rows = db.execute("SELECT file FROM pictures WHERE pinned AND owner = ? ORDER BY id", (owner,)).fetchall()
        text = "".join(f"{file.rpartition('/')[2]}\n" for (file,) in rows)
        write_whole(self.place(owner) / PINS, lambda out: out.write(text.encode()))

    def _row(self, path: Path, record: RenderRecord, owner: str) -> tuple[str, ...]:
        loras = joined([adapter.name for adapter in record.adapters])
        return self._name(path), owner, record.model.name, loras, record.to_json(), infotext(record)

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()

    def _kept(self, row: tuple[int, str, int, str]) -> Kept | None:
        key, file, pinned, text = row
        try:
            record = RenderRecord.from_json(text)
        except BrokenFileError:
            return None
        return Kept(id=key, path=self._folder / file, pinned=bool(pinned), record=record)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._database, timeout=_SECONDS_TO_WAIT)) as db, db:
                yield db
        except sqlite3.Error as error:
            raise FileError(
                f"the history cannot be used ({error})",
                where=str(self._database),
                remedy="Start the page again: a damaged one is set aside then, and made anew from the pictures.",
            ) from error


_COLUMNS = "id, file, pinned, record"
_INSERT = (
    "INSERT OR REPLACE INTO pictures (file, owner, model, loras, record, words, pinned, binned) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def _pins(place: Path) -> frozenset[str]:
    try:
        return frozenset((place / PINS).read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return frozenset()
