"""The ledger of a run: its plan, one line of JSON for every picture that is on disk, one for every job that failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from lora_mixer.batch.failure import Failure
from lora_mixer.batch.stored import StoredPlan
from lora_mixer.errors import BrokenFileError, MissingFileError
from lora_mixer.images import RenderRecord

MANIFEST = "manifest.jsonl"
FAILED = "failed.jsonl"
PICTURES = "images"

_Line = TypeVar("_Line", "Entry", Failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One finished picture.

    Attributes:
        index: Its number in the plan, from 0.
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
class Ledger:
    """What a folder holds: a snapshot; `read` gives it without torch.

    Attributes:
        folder: The run's folder.
        plan: What it is for.
        entries: Finished pictures by number; the last line of a number counts.
        failures: Jobs that failed and have not been done since, by number.
    """

    folder: Path
    plan: StoredPlan
    entries: Mapping[int, Entry]
    failures: Mapping[int, Failure]

    @staticmethod
    def read(folder: Path) -> Ledger:
        """Read the ledger of a run, under way or over; a last line that is being written is left out.

        Raises:
            MissingFileError: The folder holds no run.
            BrokenFileError: A whole line is damaged; it is named.
        """
        plan = StoredPlan.read(folder)
        entries = {line.index: line for line in read_entries(folder)}
        failures = {line.index: line for line in _read(folder / FAILED, _failure_reader())}
        return Ledger(
            folder=folder,
            plan=plan,
            entries=dict(sorted(entries.items())),
            failures={index: line for index, line in failures.items() if index not in entries},
        )

    def labels(self, index: int) -> tuple[str, str]:
        """Return the labels of a picture's column and row; empty where the sheet has none."""
        job, plan = self.plan.jobs[index], self.plan
        return plan.columns[job.column] if plan.columns else "", plan.rows[job.row] if plan.rows else ""

    def path(self, index: int) -> Path:
        """Return where a finished picture lies."""
        return self.folder / self.entries[index].file

    def is_whole(self, index: int) -> bool:
        """Return whether a picture is entered for what the plan says now, and lies on disk as it was entered."""
        entry = self.entries.get(index)
        return entry is not None and self._means(entry) and digest_of_file(self.path(index)) == entry.sha256

    def _means(self, entry: Entry) -> bool:
        return entry.index < len(self.plan.jobs) and entry.digest == self.plan.jobs[entry.index].digest


def read_entries(folder: Path) -> tuple[Entry, ...]:
    """Return the finished pictures of a folder, line by line; none if nothing was rendered there.

    Raises:
        BrokenFileError: A whole line is damaged.
    """
    return _read(folder / MANIFEST, _entry_reader())


def digest_of_file(path: Path) -> str | None:
    """Return the sha256 of a file, None if it is not there or cannot be read."""
    try:
        with path.open("rb") as opened:
            return file_digest(opened, "sha256").hexdigest()
    except OSError:
        return None


def _read(path: Path, reader: TypeAdapter[_Line]) -> tuple[_Line, ...]:
    """Read all whole lines; what follows the last line end was torn by a crash and is left out."""
    try:
        data = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise MissingFileError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    whole = data[: data.rfind(b"\n") + 1].split(b"\n")
    return tuple(_line(text, f"{path}:{number}", reader) for number, text in enumerate(whole, start=1) if text.strip())


def _line(text: bytes, where: str, reader: TypeAdapter[_Line]) -> _Line:
    try:
        return reader.validate_json(text)
    except ValidationError as error:
        raise BrokenFileError(
            f"a line of the ledger is damaged: {error.errors()[0]['msg']}",
            where=where,
            remedy="Remove the line; its picture is made again.",
        ) from error


@cache
def _entry_reader() -> TypeAdapter[Entry]:
    return TypeAdapter(Entry)


@cache
def _failure_reader() -> TypeAdapter[Failure]:
    return TypeAdapter(Failure)
