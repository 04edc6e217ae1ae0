"""`plan.json`: what a folder is for. Written once before the first picture; a later run must mean the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lora_mixer.batch.digest import request_digest
from lora_mixer.batch.plan import Job, PromptFile
from lora_mixer.errors import BrokenFileError, ConfigError, MissingFileError
from lora_mixer.images import plain, write_whole
from lora_mixer.request import Settings

PLAN = "plan.json"
ANEW = "Name another folder with --output, or start this one anew with --force (its pictures are removed)."


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
    """

    name: str
    row: int
    column: int
    line: int
    asked: str
    digest: str | None = None
    settings: Settings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Pictures that are rendered together, whoever does it.

    Attributes:
        jobs: Their numbers.
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

    @staticmethod
    def of(plan: PromptFile, *, size: int) -> StoredPlan:
        """Return the plan of a prompt file, nothing found out about its jobs yet."""
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
            return _reader().validate_json(path.read_bytes())
        except OSError as error:
            raise MissingFileError(
                f"the plan of the run cannot be read: {error.strerror or error}",
                where=str(path),
                remedy="Name a folder that `lora-mixer render` has written.",
            ) from error
        except ValidationError as error:
            raise BrokenFileError(
                f"the plan of the run is damaged: {error.errors()[0]['msg']}", where=str(path), remedy=ANEW
            ) from error

    def write(self, folder: Path) -> None:
        """Write the plan of a folder, whole or not at all.

        Raises:
            FileError: It cannot be written.
        """
        data = json.dumps(plain(self), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        write_whole(folder / PLAN, lambda out: out.write(data))

    def check_asks_the_same(self, other: StoredPlan, folder: Path) -> None:
        """Refuse a prompt file that asks for other pictures than the folder holds.

        Raises:
            ConfigError: It does; the first difference is in the text.
        """
        differing = [
            (mine, theirs)
            for mine, theirs in zip_longest(self.jobs, other.jobs)
            if mine is None or theirs is None or (mine.asked, mine.name) != (theirs.asked, theirs.name)
        ]
        if differing:
            first = differing[0][1] or differing[0][0]
            raise ConfigError(
                f"the folder holds another plan: {len(self.jobs)} pictures of {self.source}, and {len(differing)} of "
                f"{max(len(self.jobs), len(other.jobs))} differ, the first is {first.name!r} (line {first.line})",
                where=str(folder),
                remedy=ANEW,
            )

    def check_made_the_same(self, jobs: Sequence[StoredJob], basis: Mapping[str, str], folder: Path) -> None:
        """Refuse to go on where files, versions or defaults are no longer those the run began with.

        Raises:
            ConfigError: They are not; what changed is in the text.
        """
        changed = [
            f"{role} is {_short(basis[role])}, was {_short(was)}"
            for role, was in self.basis.items()
            if basis.get(role, was) != was
        ]
        changed += [
            f"{old.name!r} (line {old.line}) now means other settings"
            for old, new in zip(self.jobs, jobs, strict=True)
            if None not in (old.digest, new.digest) and old.digest != new.digest
        ]
        if changed:
            raise ConfigError(
                f"the run began with something else: {'; '.join(changed[:4])}",
                where=str(folder),
                remedy=f"Put it back to go on. {ANEW}",
            )


def _stored(job: Job) -> StoredJob:
    return StoredJob(name=job.name, row=job.row, column=job.column, line=job.line, asked=request_digest(job.request))


def _short(value: str) -> str:
    return value[:10] if len(value) == 64 else value


@cache
def _reader() -> TypeAdapter[StoredPlan]:
    return TypeAdapter(StoredPlan)
