"""The executor interface, over this process, processes of this machine and Ray. Only plain values cross it; no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, cast

from pydantic import TypeAdapter

from lora_mixer.images import plain
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import LedgerEntry
from lora_mixer.ledger.plan_file import Batch, StoredJob
from lora_mixer.request import RenderRequest

Heartbeat = Callable[[float], None]
"""Told every now and then how many pictures' worth of work is in hand; raises to stop."""

TICK = 0.2
"""Seconds between two heartbeats of executors that wait for other processes."""

_Message = TypeVar("_Message")


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerOptions:
    """How workers open the model; the fields are those of `Mixer.open`."""

    model: str | None = None
    models_file: Path | None = None
    device: str | None = None
    dtype: str | None = None
    allow_partial: bool = False
    engine: str = "auto"
    offload: str = "auto"
    merge_cache_mb: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunJob:
    """One picture of a run: its request beside what the plan says of it. Queries and tasks are made of these.

    Attributes:
        index: Its number in the plan.
        request: What to render, with the seed that was drawn for it.
        stored: What the plan says of it; None for a guest, which is in no plan any more.
        file: Where its picture goes, relative to the run's folder; None if it is rendered only because its neighbours'
            last bits need it.
    """

    index: int
    request: RenderRequest
    stored: StoredJob | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveQuery:
    """A query before rendering: about each job or, if there are groups, about these.

    Attributes:
        jobs: The jobs.
        groups: Numbers of jobs to be rendered together.
        threads: CPU threads for the groups; None is the worker's default.
    """

    jobs: tuple[RunJob, ...]
    groups: tuple[tuple[int, ...], ...] = ()
    threads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A worker's reply to a query.

    Attributes:
        jobs: What the plan is to say of each picture, its settings and digest filled in, or its failure; empty if groups
            were asked about.
        basis: What their pictures are made from besides their settings, by role.
        batches: The groups, with how their mixes are applied.
        threads: CPU threads the worker would use if it were alone.
        notes: Messages for the user.
    """

    jobs: tuple[StoredJob | Failure, ...] = ()
    basis: Mapping[str, str] = field(default_factory=dict)
    batches: tuple[Batch, ...] = ()
    threads: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A batch to render into a folder.

    Attributes:
        jobs: Its pictures.
        engine: How their mixes are applied.
        reason: The reason, for the records.
        threads: CPU threads to use.
        folder: The run's folder, absolute.
        token: The run's mark on pictures not yet entered.
        deaths: The number of workers that died while rendering it.
    """

    jobs: tuple[RunJob, ...]
    engine: str
    reason: str
    threads: int
    folder: Path
    token: str
    deaths: int = 0

    @property
    def wanted(self) -> tuple[RunJob, ...]:
        """Those of its pictures that are to be written."""
        return tuple(job for job in self.jobs if job.file is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The result of a task.

    Attributes:
        entries: Pictures that are on disk.
        failures: Jobs that failed.
        stopped: The reason if nothing more can be written.
    """

    entries: tuple[LedgerEntry, ...] = ()
    failures: tuple[Failure, ...] = ()
    stopped: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDied:
    """A task whose worker died, with the reason, and whether it had begun or only waited."""

    task: Task
    reason: str
    begun: bool = True


class Executor(Protocol):
    """Workers that resolve queries and render tasks; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *raised: object) -> None: ...

    def start(self, heartbeat: Heartbeat) -> None:
        """Start the workers, if not yet started; a refused or finished plan never does.

        Raises:
            LoraMixerError: The model cannot be opened.
        """
        ...

    def resolve(self, query: ResolveQuery, heartbeat: Heartbeat) -> Resolution:
        """Resolve a query; may be called repeatedly.

        Raises:
            LoraMixerError: The model cannot be opened.
        """
        ...

    def share(self, threads: int) -> int:
        """Return each worker's share of the CPU threads that one alone would use."""
        ...

    @property
    def free_slots(self) -> int:
        """How many tasks can be submitted now."""
        ...

    def submit(self, task: Task) -> None:
        """Submit a task; only while there are free slots."""
        ...

    def next_result(self, heartbeat: Heartbeat) -> Finished | WorkerDied | None:
        """Wait for a task's result; None if instead a worker became ready."""
        ...


def pack(message: object) -> bytes:
    """Encode a message as JSON, so that nothing received can run code."""
    return json.dumps(plain(message), separators=(",", ":")).encode()


def unpack(kind: type[_Message], data: bytes) -> _Message:
    """Decode a message written by `pack`."""
    reader: TypeAdapter[_Message] = _reader(cast(Hashable, kind))
    return reader.validate_json(data)


@cache
def _reader(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))
