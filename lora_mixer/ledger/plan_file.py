"""`plan.json`: what a folder is to hold. Written before the first picture, and again when the request changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lora_mixer.errors import BrokenFileError, MissingFileError
from lora_mixer.images import write_whole
from lora_mixer.ledger.digest import request_digest
from lora_mixer.ledger.seal import sealed, unsealed
from lora_mixer.promptfile.plan import PlannedJob, PromptFile
from lora_mixer.request import Settings

PLAN = "plan.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """One picture of a plan.

    Attributes:
        name: Its label.
        row: Its row on the sheet.
        column: Its column.
        line: Its line in the prompt file.
        asked: The digest of the request as written.
        digest: What `job_digest` says of its settings and files; None if they could not be found out.
        settings: Every value filled in, the seed among them.
        number: The number in its file name; None is its place in the plan.
    """

    name: str
    row: int
    column: int
    line: int
    asked: str
    digest: str | None = None
    settings: Settings | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Pictures that are rendered together, whoever does it.

    Attributes:
        jobs: Their numbers; those past the plan's jobs are its guests.
        engine: How their mixes are applied.
        reason: Why so.
    """

    jobs: tuple[int, ...]
    engine: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """What a folder is for, and how its pictures are made.

    Attributes:
        source: The prompt file.
        title: The sheet's title.
        columns: Labels of the columns.
        rows: Labels of the rows.
        captions: Every picture has a label of its own instead.
        size: The most pictures rendered at once.
        threads: CPU threads of each worker; 0 until that is known.
        basis: Files and versions the pictures are made from, by role.
        jobs: The pictures, in the order of the sheet.
        batches: What is rendered together, in order.
        guests: Pictures no longer asked for, with which others of the plan share a batch.
        witness: Fingerprint of everything the plan depended on when it was made (`witness_of`); empty if unknown.
    """

    source: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    captions: bool
    size: int
    threads: int
    basis: Mapping[str, str]
    jobs: tuple[StoredJob, ...]
    batches: tuple[Batch, ...]
    guests: tuple[Settings, ...] = ()
    witness: str = ""

    @staticmethod
    def of(plan: PromptFile, *, size: int) -> StoredPlan:
        """Return the plan of a prompt file, its jobs not yet resolved."""
        sheet = plan.sheet
        return StoredPlan(
            source=str(plan.path),
            title=sheet.title or plan.path.stem,
            columns=sheet.columns,
            rows=sheet.rows,
            captions=sheet.captions,
            size=size,
            threads=0,
            basis={},
            jobs=tuple(map(_stored, plan.jobs)),
            batches=(),
        )

    @staticmethod
    def read(folder: Path) -> StoredPlan:
        """Read the plan of a folder.

        Raises:
            MissingFileError: There is none.
            BrokenFileError: It is damaged.
        """
        path = folder / PLAN
        try:
            return StoredPlan.of_bytes(path.read_bytes())
        except OSError as error:
            raise MissingFileError(
                f"the plan of the run cannot be read: {error.strerror or error}",
                where=str(path),
                remedy="Name a folder that `lora-mixer render` has written.",
            ) from error
        except ValueError as error:
            raise BrokenFileError(
                f"the plan of the run is damaged: {error}",
                where=str(path),
                remedy="Run the command that made the folder again: the plan is rebuilt and good pictures are kept.",
            ) from error

    @staticmethod
    def of_bytes(data: bytes) -> StoredPlan:
        """Return the plan of a file's bytes.

        Raises:
            ValueError: They are damaged; what is wrong is in the text.
        """
        try:
            plan = _reader().validate_json(unsealed(data))
        except ValidationError as error:
            raise ValueError(str(error.errors()[0]["msg"])) from error
        most = len(plan.jobs) + len(plan.guests)
        if not plan.jobs or any(not 0 <= index < most for batch in plan.batches for index in batch.jobs):
            raise ValueError("it names pictures it does not contain")
        if any(job.row < 0 or job.column < 0 or (job.number or 0) < 0 for job in plan.jobs):
            raise ValueError("it places pictures outside its sheet")
        return plan

    def write(self, folder: Path) -> None:
        """Write the plan of a folder, whole or not at all.

        Raises:
            FileError: It cannot be written.
        """
        write_whole(folder / PLAN, lambda out: out.write(sealed(self)))

    def file(self, index: int) -> str:
        """Return the name of a picture's file, relative to the run's folder."""
        number = self.jobs[index].number
        return f"images/{index if number is None else number:04}.png"

    def changes(self, basis: Mapping[str, str]) -> tuple[str, ...]:
        """Return one sentence for each file, version and device that is no longer what the plan was made with."""
        return tuple(
            f"{role} is {_short(basis[role])}, was {_short(was)}"
            for role, was in self.basis.items()
            if basis.get(role, was) != was
        )


def _stored(job: PlannedJob) -> StoredJob:
    return StoredJob(name=job.name, row=job.row, column=job.column, line=job.line, asked=request_digest(job.request))


def _short(value: str) -> str:
    return value[:10] if len(value) == 64 else value


@cache
def _reader() -> TypeAdapter[StoredPlan]:
    return TypeAdapter(StoredPlan)
