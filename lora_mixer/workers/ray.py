"""Ray actors as workers, on an existing cluster or one started for the run.

Actors rather than Ray Data: the ledger must hear of each batch once it is on disk, the plan has fixed the batches already,
and an actor keeps model and adapters open between them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from lora_mixer.errors import ConfigError, LoraMixerError, RenderError
from lora_mixer.ledger.failure import Failure
from lora_mixer.libraries.own_process import begin
from lora_mixer.waiting import uncollected
from lora_mixer.workers.deaths import MOST_STARTS_LOST, died_over_the_plan, died_while_opening
from lora_mixer.workers.executor import (
    TICK,
    Finished,
    Heartbeat,
    MixerOptions,
    Resolution,
    ResolveQuery,
    Task,
    WorkerDied,
    pack,
    unpack,
)

IN_FLIGHT = 2
"""Tasks an actor is given at once: the one it is at, and the next, so that it never waits for us."""
OPTION = "--executor ray"
"""What asks for these workers."""


class Actor:
    """The Ray actor: a worker that reports a model it cannot open, instead of failing to start."""

    def __init__(self, setup: bytes, rank: int) -> None:
        self._setup = setup
        self._rank = rank
        self._worker: Any = None

    def open(self) -> bytes | None:
        """Open the model; return the reason, packed, if it cannot be opened."""
        begin()
        with uncollected():
            from lora_mixer.workers.worker import Worker

        try:
            self._worker = Worker(self._setup, self._rank)
        except LoraMixerError as error:
            return pack(Failure.of(error))
        return None

    def answer(self, query: bytes) -> bytes:
        """Answer a packed query."""
        return bytes(self._worker.answer(query))

    def render(self, task: bytes) -> bytes:
        """Render a packed task; return its packed result."""
        return bytes(self._worker.render(task))


@dataclass(slots=True, kw_only=True, eq=False)
class _Member:
    rank: int
    handle: Any
    opening: Any
    ready: bool = False
    lost_starts: int = 0
    tasks: dict[Any, Task] = field(default_factory=dict)


class RayExecutor:
    """Renders in Ray actors; all machines must see the output folder under the same path and have the same files.

    Args:
        setup: How each opens the model.
        count: How many actors.
        address: A cluster's address, or `auto`; None starts Ray on this machine for the run.
        cpus: CPUs that Ray sets aside for each actor, and its number of threads.
    """

    def __init__(self, setup: MixerOptions, count: int, *, address: str | None = None, cpus: int = 1) -> None:
        self._setup = setup
        self._count = count
        self._address = address
        self._cpus = cpus
        self._members: list[_Member] = []
        self._ray: Any = None
        self._ours = False
        self._lost: deque[WorkerDied] = deque()

    def __enter__(self) -> Self:
        """Start nothing before the first query, so that a refused plan costs no cluster."""
        return self

    def __exit__(self, *raised: object) -> None:
        """End the actors, and Ray if it was started for the run."""
        if self._ray is None:
            return
        for member in self._members:
            self._ray.kill(member.handle)
        self._members.clear()
        if self._ours:
            self._ray.shutdown()

    @property
    def free_slots(self) -> int:
        """A fixed number of tasks for every actor with its model open."""
        return sum(IN_FLIGHT - len(member.tasks) for member in self._members if member.ready)

    def start(self, heartbeat: Heartbeat) -> None:
        """Connect or start Ray, start the actors, and wait until one has its model open.

        Raises:
            ConfigError: Ray is not installed, or there is no cluster at the address.
            RenderError: All actors died while they opened the model, or Ray gave up.
            LoraMixerError: The model cannot be opened.
        """
        if self._ray is None:
            self._ray, self._ours = _connected(self._address, cpus=self._count * self._cpus)
        with self._told():
            if not self._members:
                self._members = [self._started(rank) for rank in range(self._count)]
            while not any(member.ready for member in self._members):
                self._greet(self._wait([member.opening for member in self._members], heartbeat))

    def resolve(self, query: ResolveQuery, heartbeat: Heartbeat) -> Resolution:
        """Ask the first actor that is ready; if it dies, the next.

        Raises:
            LoraMixerError: What `start` raises.
            RenderError: Actor after actor dies over the query.
        """
        cause = ""
        for _ in range(MOST_STARTS_LOST):
            self.start(heartbeat)
            first = next(member for member in self._members if member.ready)
            with self._told():
                asked = first.handle.answer.remote(pack(query))
                self._wait([asked], heartbeat)
                try:
                    return unpack(Resolution, self._ray.get(asked))
                except self._ray.exceptions.RayActorError as error:
                    cause = _cause(error)
                    self._replace(first, error)
        raise died_over_the_plan(cause, OPTION)

    def share(self, threads: int) -> int:
        """Ray gives each actor as many as it has CPUs set aside."""
        return threads

    def submit(self, task: Task) -> None:
        """Hand a task to the actor with the least to do."""
        member = min((member for member in self._members if member.ready), key=lambda member: len(member.tasks))
        member.tasks[member.handle.render.remote(pack(task))] = task

    def next_result(self, heartbeat: Heartbeat) -> Finished | WorkerDied | None:
        """Wait until a task is done, its actor dead, or an actor ready.

        Raises:
            LoraMixerError: An actor cannot open the model.
            RenderError: All actors died while they opened it, or Ray gave up.
        """
        with self._told():
            return self._lost.popleft() if self._lost else self._taken(heartbeat)

    def _taken(self, heartbeat: Heartbeat) -> Finished | WorkerDied | None:
        openings = [member.opening for member in self._members if not member.ready]
        done = self._wait([*(ref for member in self._members for ref in member.tasks), *openings], heartbeat)
        if done in openings:
            self._greet(done)
            return None
        member = next(member for member in self._members if done in member.tasks)
        try:
            finished = unpack(Finished, self._ray.get(done))
        except self._ray.exceptions.RayActorError as error:
            self._replace(member, error)
            return self._lost.popleft()
        del member.tasks[done]
        return finished

    def _wait(self, refs: list[Any], heartbeat: Heartbeat) -> object:
        while True:
            done, _ = self._ray.wait(refs, num_returns=1, timeout=TICK)
            heartbeat(0.0)
            if done:
                return done[0]

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn Ray's own errors (a lost cluster, a full object store) into ours."""
        try:
            yield
        except self._ray.exceptions.RayError as error:
            raise RenderError(
                f"Ray gave up: {_cause(error)}", remedy="Look at the cluster; `ray status` says what it has."
            ) from error

    def _greet(self, opening: object) -> None:
        """Record that an actor has opened the model, or failed to."""
        member = next(member for member in self._members if member.opening == opening)
        try:
            refused = self._ray.get(opening)
        except self._ray.exceptions.RayActorError as error:
            self._replace(member, error)
            return
        if refused is not None:
            raise unpack(Failure, refused).raised()
        member.ready, member.lost_starts = True, 0

    def _replace(self, member: _Member, error: Exception) -> None:
        """Replace a dead actor; its tasks are lost, and only the first of them had begun."""
        for place, task in enumerate(member.tasks.values()):
            self._lost.append(WorkerDied(task=task, reason=_cause(error), begun=place == 0))
        member.tasks.clear()
        lost = member.lost_starts + (not member.ready)
        if lost < MOST_STARTS_LOST:
            fresh = self._started(member.rank)
            member.handle, member.opening, member.ready, member.lost_starts = fresh.handle, fresh.opening, False, lost
            return
        self._members.remove(member)
        if not self._members:
            raise died_while_opening(_cause(error), OPTION) from error

    def _started(self, rank: int) -> _Member:
        gpus = 1 if self._ray.cluster_resources().get("GPU") else 0
        actor = self._ray.remote(num_cpus=self._cpus, num_gpus=gpus, max_restarts=0)(Actor)
        handle = actor.remote(pack(self._setup), rank)
        return _Member(rank=rank, handle=handle, opening=handle.open.remote())


def _connected(address: str | None, *, cpus: int) -> tuple[Any, bool]:
    """Return Ray, connected, and whether it is ours to shut down."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError("Ray is not installed", remedy='Run `pip install "lora-mixer[ray]"`.') from error
    if ray.is_initialized():
        return ray, False
    local: dict[str, Any] = {"num_cpus": cpus, "include_dashboard": False} if address is None else {}
    start: Callable[..., object] = ray.init
    try:
        start(address=address or "local", log_to_driver=False, logging_level="error", **local)
    except (ConnectionError, TimeoutError, ValueError) as error:
        raise ConfigError(
            f"no Ray cluster can be reached: {error}",
            where=address,
            remedy="Start one with `ray start --head`, or leave out --ray-address to start one for the run.",
        ) from error
    return ray, True


def _cause(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
