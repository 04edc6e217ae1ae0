"""Who renders: one interface over this process, processes of this machine and Ray. Plain values cross it; no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar, cast

from pydantic import TypeAdapter

from lora_mixer.images import plain
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import LedgerEntry
from lora_mixer.ledger.plan_file import Batch
from lora_mixer.request import RenderRequest, Settings

Heartbeat = Callable[[float], None]
"""Told every now and then how many pictures' worth of work is in hand; raises to stop."""

_Message = TypeVar("_Message")


@dataclass(frozen=True, slots=True, kw_only=True)
class MixerOptions:
    """How every worker opens the model; the fields are those of `Mixer.open`."""

    model: str | None = None
    models_file: Path | None = None
    device: str | None = None
    dtype: str | None = None
    allow_partial: bool = False
    engine: str = "auto"
    offload: str = "auto"
    merge_cache_mb: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveQuery:
    """What is asked before anything is rendered: about each request, or, where there are groups, about these.

    Attributes:
        requests: Pictures.
        groups: Places among them of what is to be rendered together.
        threads: CPU threads that groups will be rendered with; None is the worker's own number.
    """

    requests: tuple[RenderRequest, ...]
    groups: tuple[tuple[int, ...], ...] = ()
    threads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedJob:
    """What a request comes to: every gap filled, and what its picture will be made from."""

    settings: Settings
    digest: str
    basis: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What a worker knows of a plan.

    Attributes:
        jobs: Every picture, or why it cannot be made; nothing where groups were asked about.
        batches: The groups, with how their mixes are applied.
        threads: How many CPU threads the worker would use if it were alone.
        notes: What the user should be told.
    """

    jobs: tuple[ResolvedJob | Failure, ...]
    batches: tuple[Batch, ...]
    threads: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskJob:
    """One picture of a task; one that is not `wanted` is rendered only because its neighbours' last bits need it.

    Its file is relative to the run's folder.
    """

    index: int
    name: str
    digest: str
    request: RenderRequest
    wanted: bool
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A batch to render into a folder.

    Attributes:
        jobs: Its pictures.
        engine: How their mixes are applied.
        reason: Why so, for the records.
        threads: CPU threads to use.
        folder: The run's folder, absolute.
        token: The run's mark on pictures that are not entered yet.
        deaths: How many workers died over it.
    """

    jobs: tuple[TaskJob, ...]
    engine: str
    reason: str
    threads: int
    folder: Path
    token: str
    deaths: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What came of a task.

    Attributes:
        entries: Pictures that are on disk.
        failures: Jobs that failed.
        stopped: Why nothing more can be written, if so.
    """

    entries: tuple[LedgerEntry, ...] = ()
    failures: tuple[Failure, ...] = ()
    stopped: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDied:
    """A task whose worker died, how, and whether it was at work on it; else the task only stood in line."""

    task: Task
    reason: str
    begun: bool = True


class Executor(Protocol):
    """Workers that answer questions and render tasks; entered before use, left when done."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *raised: object) -> None: ...

    def start(self, heartbeat: Heartbeat) -> None:
        """Make sure that there are workers; a plan that is refused, or is finished, never starts one.

        Raises:
            LoraMixerError: The model cannot be opened.
        """
        ...

    def resolve(self, query: ResolveQuery, heartbeat: Heartbeat) -> Resolution:
        """Return what a worker knows; may be asked again and again.

        Raises:
            LoraMixerError: The model cannot be opened.
        """
        ...

    def share(self, threads: int) -> int:
        """Return how many CPU threads each worker gets of what one alone would use."""
        ...

    @property
    def free_slots(self) -> int:
        """How many tasks it takes now."""
        ...

    def submit(self, task: Task) -> None:
        """Take a task; only while there is room."""
        ...

    def next_result(self, heartbeat: Heartbeat) -> Finished | WorkerDied | None:
        """Wait for one of the given tasks, or for a worker that has become ready: None, and there is more room."""
        ...


def pack(message: object) -> bytes:
    """Return a message as bytes: JSON, so that nothing that arrives can run code."""
    return json.dumps(plain(message), separators=(",", ":")).encode()


def unpack(kind: type[_Message], data: bytes) -> _Message:
    """Return the message that `pack` wrote."""
    reader: TypeAdapter[_Message] = _reader(cast(Hashable, kind))
    return reader.validate_json(data)


@cache
def _reader(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))
