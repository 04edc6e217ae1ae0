"""A run's ledger: its plan, a line of JSON for every picture on disk, and one for every failed job."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from lora_mixer.errors import MissingFileError
from lora_mixer.images import RenderRecord
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.plan_file import StoredPlan
from lora_mixer.ledger.seal import unsealed

MANIFEST = "manifest.jsonl"
FAILED = "failed.jsonl"
PICTURES = "images"

_Line = TypeVar("_Line", "LedgerEntry", Failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One finished picture.

    Attributes:
        index: Its number in the plan, from 0, when it was entered.
        file: The picture, relative to the run's folder.
        name: The job's name.
        digest: What `job_digest` says of its settings and files.
        sha256: Digest of the file.
        seconds: Time spent on it.
        record: How it came to be.
    """

    index: int
    file: Path
    name: str
    digest: str
    sha256: str
    seconds: float
    record: RenderRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A line that cannot be read.

    Attributes:
        number: Which line, from 1.
        text: Its bytes.
        why: What is wrong.
    """

    number: int
    text: bytes
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLines(Generic[_Line]):
    """The lines of a file; anything after the last line end was torn by a crash and is left out."""

    whole: tuple[_Line, ...] = ()
    damaged: tuple[Damaged, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a folder holds: a snapshot; `read` gives it without torch.

    Attributes:
        folder: The run's folder.
        plan: What it is for.
        entries: Finished pictures by number; the last line of a picture counts.
        failures: Jobs that failed and have not been done since, by number.
        damaged: Lines that cannot be read, each with its file, number and what is wrong; `render` makes their
            pictures again.
    """

    folder: Path
    plan: StoredPlan
    entries: Mapping[int, LedgerEntry]
    failures: Mapping[int, Failure]
    damaged: tuple[str, ...] = ()

    @staticmethod
    def read(folder: Path) -> Ledger:
        """Read the ledger of a run, in progress or finished; a line still being written is left out.

        Raises:
            MissingFileError: The folder holds no run.
            BrokenFileError: Its plan is damaged.
        """
        plan = StoredPlan.read(folder)
        lines, failed = entry_lines(bytes_of(folder / MANIFEST)), failure_lines(bytes_of(folder / FAILED))
        by_file = {line.file.as_posix(): line for line in lines.whole}
        found = ((index, by_file.get(plan.file(index))) for index in range(len(plan.jobs)))
        entries = {index: line for index, line in found if line is not None}
        failures = {line.index: line for line in failed.whole if 0 <= line.index < len(plan.jobs)}
        return Ledger(
            folder=folder,
            plan=plan,
            entries=entries,
            failures={index: line for index, line in failures.items() if index not in entries},
            damaged=tuple(
                f"{folder / name}:{line.number}: {line.why}"
                for name, damaged in ((MANIFEST, lines.damaged), (FAILED, failed.damaged))
                for line in damaged
            ),
        )

    def labels(self, index: int) -> tuple[str, str]:
        """Return the labels of a picture's column and row; empty where the sheet has none."""
        job, plan = self.plan.jobs[index], self.plan
        return plan.columns[job.column] if plan.columns else "", plan.rows[job.row] if plan.rows else ""

    def path(self, index: int) -> Path:
        """Return where a finished picture lies."""
        return self.folder / self.entries[index].file

    def is_whole(self, index: int) -> bool:
        """Return whether a picture is entered for what the plan says now, and its file is unchanged."""
        entry = self.entries.get(index)
        return entry is not None and self._means(index) and digest_of_file(self.path(index)) == entry.sha256

    def is_there(self, index: int) -> bool:
        """Return whether a picture is entered for what the plan says now, and its file exists."""
        return index in self.entries and self._means(index) and self.path(index).is_file()

    def _means(self, index: int) -> bool:
        return self.entries[index].digest == self.plan.jobs[index].digest


def read_entries(folder: Path) -> tuple[LedgerEntry, ...]:
    """Return a folder's finished pictures, line by line; none if nothing was rendered there.

    Lines that are damaged are left out.

    Raises:
        MissingFileError: The manifest cannot be read.
    """
    return entry_lines(bytes_of(folder / MANIFEST)).whole


def digest_of_file(path: Path) -> str | None:
    """Return a file's sha256; None if it is missing, no regular file, or unreadable."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as opened:
            return file_digest(opened, "sha256").hexdigest()
    except OSError:
        return None


def bytes_of(path: Path) -> bytes:
    """Return the bytes of a run's file; none if it is missing or no regular file.

    Raises:
        MissingFileError: It cannot be read.
    """
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise MissingFileError(
            f"cannot be read: {error.strerror or error}", where=str(path), remedy="Check its permissions."
        ) from error


def entry_lines(data: bytes) -> LedgerLines[LedgerEntry]:
    """Return the finished pictures of manifest lines."""
    return _lines(data, _entry_reader())


def failure_lines(data: bytes) -> LedgerLines[Failure]:
    """Return the failures of ledger lines."""
    return _lines(data, _failure_reader())


def _lines(data: bytes, reader: TypeAdapter[_Line]) -> LedgerLines[_Line]:
    whole: list[_Line] = []
    damaged: list[Damaged] = []
    for number, text in enumerate(data[: data.rfind(b"\n") + 1].split(b"\n"), start=1):
        if not text.strip():
            continue
        try:
            whole.append(reader.validate_json(unsealed(text)))
        except ValidationError as error:
            damaged.append(Damaged(number=number, text=text, why=error.errors()[0]["msg"]))
        except ValueError as error:
            damaged.append(Damaged(number=number, text=text, why=str(error)))
    return LedgerLines(whole=tuple(whole), damaged=tuple(damaged))


@cache
def _entry_reader() -> TypeAdapter[LedgerEntry]:
    return TypeAdapter(LedgerEntry)


@cache
def _failure_reader() -> TypeAdapter[Failure]:
    return TypeAdapter(Failure)
