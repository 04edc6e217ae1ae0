"""Write the ledger so that a crash at any moment leaves every entered picture whole, and entered once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lora_mixer.errors import FileError
from lora_mixer.ledger.aside import Aside
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import FAILED, MANIFEST, PICTURES, Damaged, LedgerEntry, entry_lines, failure_lines
from lora_mixer.ledger.plan_file import PLAN, StoredPlan
from lora_mixer.ledger.seal import sealed
from lora_mixer.store import RunStore

_LEFT_OVER = re.compile(r"\.\.?[^/]*\.[0-9a-f]{8}\.png(\.[^./]+)?")
"""What a dead worker leaves behind: `part_of`, or the temporary file it would have become."""


class LedgerWriter:
    """Appends to a run's ledger; what is appended is on disk when the call returns.

    Args:
        store: Where the run is kept.
        say: Called with what was found damaged and where it went.
    """

    def __init__(self, store: RunStore, say: Callable[[str], None] = lambda _sentence: None) -> None:
        self._store = store
        self._say = say
        self.aside = Aside(store)
        self.token = secrets.token_hex(4)

    def repair(self) -> None:
        """Truncate lines torn by a crash, set damaged lines aside, and delete pictures that were never entered.

        Raises:
            FileError: A file cannot be written.
        """
        with self._writing(PICTURES):
            for name in self._store.names(PICTURES):
                if _LEFT_OVER.fullmatch(name):
                    self._store.remove(f"{PICTURES}/{name}")
        for name, read in ((MANIFEST, entry_lines), (FAILED, failure_lines)):
            with self._writing(name):
                data = self._readable(name)
                self._mend(name, data, read(data).damaged)

    def plan(self) -> StoredPlan | None:
        """Return the folder's plan; None if it has none, or if the plan is damaged and was set aside.

        Raises:
            FileError: It cannot be set aside.
        """
        with self._writing(PLAN):
            data = self._readable(PLAN)
            if not data:
                return None
            try:
                return StoredPlan.of_bytes(data)
            except ValueError as error:
                new = self.aside.take(PLAN)
                self._say(f"{PLAN} is damaged ({error}) and is now {new}; the plan is made again from what was asked")
                return None

    def write_plan(self, plan: StoredPlan) -> None:
        """Write the plan, whole or not at all.

        Raises:
            FileError: It cannot be written.
        """
        with self._writing(PLAN):
            self._store.write(PLAN, sealed(plan))

    def clear(self) -> None:
        """Set an earlier run aside: its pictures, then its plan.

        Raises:
            FileError: A file cannot be moved.
        """
        with self._writing("."):
            entries = {entry.file.as_posix(): entry for entry in entry_lines(self._store.read(MANIFEST)).whole}
            there = [entry for name, entry in entries.items() if self._store.has(name)]
            count = self.aside.pictures(there)
            for name in (MANIFEST, FAILED):
                self._store.write(name, b"")
            if self._store.has(PLAN):
                self._say(f"{count} pictures and {PLAN} are set aside, the plan as {self.aside.take(PLAN)}")

    def put_aside(self, entries: Iterable[LedgerEntry], others: Iterable[str]) -> int:
        """Set aside pictures that are no longer asked for; return their number.

        Args:
            entries: Whole pictures, which may come back.
            others: Names of damaged ones, where they exist.

        Raises:
            FileError: They cannot be moved.
        """
        with self._writing(PICTURES):
            damaged = [self.aside.take(name) for name in others if self._store.has(name)]
            return self.aside.pictures(entries) + len(damaged)

    def enter(self, entries: Sequence[LedgerEntry]) -> tuple[LedgerEntry, ...]:
        """Give finished pictures their names and enter them, in one write; return those that were entered.

        One is left out that its worker wrote to a folder that has taken this one's place.

        Raises:
            FileError: They cannot be written.
        """
        there = []
        with self._writing(PICTURES):
            for entry in entries:
                name = entry.file.as_posix()
                if self._store.has(name):
                    new = self.aside.take(name)
                    self._say(f"{name} was in the way of its picture and is now {new}")
                try:
                    self._store.move(part_of(entry.file, self.token).as_posix(), name)
                except FileNotFoundError:
                    self._store.forget_strays(part_of(entry.file, self.token).as_posix())
                else:
                    there.append(entry)
            if there:
                self._store.keep(PICTURES)
        self._append(MANIFEST, there)
        return tuple(there)

    def bring_back(self, entry: LedgerEntry, file: str) -> None:
        """Enter a picture again that was set aside.

        Raises:
            FileError: It cannot be moved.
        """
        with self._writing(PICTURES):
            if self._store.has(file):
                self._say(f"{file} was in the way of its picture and is now {self.aside.take(file)}")
            self._store.move(entry.file.as_posix(), file)

    def fail(self, failures: Sequence[Failure]) -> None:
        """Enter jobs that failed.

        Raises:
            FileError: They cannot be written.
        """
        self._append(FAILED, failures)

    def rewrite(self, entries: Iterable[LedgerEntry], failures: Iterable[Failure]) -> None:
        """Write all lines anew: what the plan asks for now, under its numbers.

        Raises:
            FileError: They cannot be written.
        """
        for name, lines in ((MANIFEST, entries), (FAILED, failures)):
            with self._writing(name):
                self._store.write(name, _text(lines))

    def _append(self, name: str, lines: Sequence[LedgerEntry | Failure]) -> None:
        if lines:
            with self._writing(name):
                self._store.append(name, _text(lines))

    def _readable(self, name: str) -> bytes:
        """Return the bytes of a file, after something else in its place was set aside."""
        try:
            return self._store.read(name)
        except OSError:
            if not self._store.has(name):
                raise
            self._say(f"{name} could not be read as a file and is now {self.aside.take(name)}")
            return b""

    def _mend(self, name: str, data: bytes, damaged: Sequence[Damaged]) -> None:
        torn = data[data.rfind(b"\n") + 1 :]
        if damaged:
            kept = self.aside.lines(name, damaged)
            for line in damaged:
                self._say(f"{name}:{line.number} is damaged ({line.why}) and was set aside into {kept}")
        if damaged or torn:
            bad = {line.number for line in damaged}
            whole = data[: len(data) - len(torn)].split(b"\n")[:-1]
            self._store.write(name, b"".join(t + b"\n" for n, t in enumerate(whole, start=1) if n not in bad))

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise FileError(
                f"the ledger cannot be written: {error.strerror or error}",
                where=self._store.where(name),
                remedy="Check folder and disk, then run the same command again: what is finished is kept.",
            ) from error


def part_of(picture: Path, token: str) -> Path:
    """Return where a worker writes a picture; only the run that started the worker gives it its final name.

    So a worker that outlives its run can never replace a picture entered by a later one.
    """
    return picture.with_name(f".{picture.stem}.{token}{picture.suffix}")


def _text(lines: Iterable[LedgerEntry | Failure]) -> bytes:
    return b"".join(sealed(line) + b"\n" for line in lines)
