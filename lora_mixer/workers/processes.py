"""Worker processes on this machine: one model and one task each; dead ones are replaced.

Workers report when their model is open and get work only then, so an earlier death loses no task.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Self

from lora_mixer.errors import LoraMixerError
from lora_mixer.ledger.failure import Failure
from lora_mixer.libraries.own_process import begin
from lora_mixer.waiting import uncollected, wait_passively
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

PATIENCE = 5.0
OPTION = "--workers"
"""What asks for these workers."""

ASK, RENDER, READY, REFUSED, REPLY = b"a", b"r", b"o", b"x", b"f"
"""A message's first byte is its type; the rest is JSON."""


@dataclass(slots=True, kw_only=True)
class _Worker:
    rank: int
    process: BaseProcess
    pipe: Connection
    ready: bool = False
    lost_starts: int = 0
    task: Task | None = None


class ProcessExecutor:
    """Renders in processes of this machine; this process itself opens no model and imports no torch.

    Args:
        setup: How each opens the model; where there are several GPUs and none is named, they take turns.
        count: How many.
    """

    def __init__(self, setup: MixerOptions, count: int) -> None:
        self._setup = setup
        self._count = count
        self._workers: list[_Worker] = []
        self._context = multiprocessing.get_context("spawn")

    def __enter__(self) -> Self:
        """Start nothing before the first query, so that a refused plan costs no model."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Stop all workers; after an error, without waiting for their tasks."""
        for worker in self._workers:
            worker.pipe.close()
            if any(raised):
                worker.process.kill()
        for worker in self._workers:
            worker.process.join(PATIENCE)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    @property
    def free_slots(self) -> int:
        """One task for every idle worker that has its model open."""
        return sum(worker.ready and worker.task is None for worker in self._workers)

    def start(self, heartbeat: Heartbeat) -> None:
        """Start the workers if they are not there, and wait until one has its model open.

        Raises:
            LoraMixerError: A worker cannot open the model.
            RenderError: All died while they opened it.
        """
        if not self._workers:
            self._workers = [self._started(rank) for rank in range(self._count)]
        while not any(worker.ready for worker in self._workers):
            self._hear(heartbeat)

    def resolve(self, query: ResolveQuery, heartbeat: Heartbeat) -> Resolution:
        """Ask the first ready worker; if it dies, ask the next.

        Raises:
            LoraMixerError: The model cannot be opened.
            RenderError: Worker after worker dies over the query.
        """
        cause = ""
        for _ in range(MOST_STARTS_LOST):
            self.start(heartbeat)
            worker = next(worker for worker in self._workers if worker.ready)
            data = self._asked(worker, ASK + pack(query), heartbeat)
            if data is not None:
                return unpack(Resolution, data[1:])
            cause = _cause(worker)
            self._replace(worker, cause)
        raise died_over_the_plan(cause, OPTION)

    def share(self, threads: int) -> int:
        """An equal share for each."""
        return max(1, threads // self._count)

    def submit(self, task: Task) -> None:
        """Hand a task to an idle worker."""
        worker = next(worker for worker in self._workers if worker.ready and worker.task is None)
        worker.task = task
        with suppress(OSError):  # it is dead; `next_result` reports it
            worker.pipe.send_bytes(RENDER + pack(task))

    def next_result(self, heartbeat: Heartbeat) -> Finished | WorkerDied | None:
        """Wait for a result or a death; None if a worker became ready.

        Raises:
            LoraMixerError: A worker cannot open the model.
            RenderError: All workers died while they opened it.
        """
        return self._hear(heartbeat)

    def _hear(self, heartbeat: Heartbeat) -> Finished | WorkerDied | None:
        """Wait for the next message of any worker, or its death; None means a worker became ready or was restarted."""
        while True:
            heard = [worker for worker in self._workers if not worker.ready or worker.task is not None]
            said = wait([end for worker in heard for end in (worker.pipe, worker.process.sentinel)], TICK)
            heartbeat(0.0)
            for worker in heard:
                if worker.pipe in said or worker.process.sentinel in said:
                    return self._reply(worker)

    def _reply(self, worker: _Worker) -> Finished | WorkerDied | None:
        task, worker.task = worker.task, None
        data = _received(worker)
        if data is None:
            cause = _cause(worker)
            self._replace(worker, cause)
            return None if task is None else WorkerDied(task=task, reason=cause)
        if data[:1] == REFUSED:
            raise unpack(Failure, data[1:]).raised()
        if data[:1] == READY:
            worker.ready, worker.lost_starts = True, 0
            return None
        return unpack(Finished, data[1:])

    def _asked(self, worker: _Worker, message: bytes, heartbeat: Heartbeat) -> bytes | None:
        """Return a ready worker's answer, None if it died over it."""
        try:
            worker.pipe.send_bytes(message)
        except OSError:
            return None
        while not wait([worker.pipe, worker.process.sentinel], TICK):
            heartbeat(0.0)
        return _received(worker)

    def _replace(self, worker: _Worker, cause: str) -> None:
        """Replace a dead worker, unless workers keep dying while they open the model.

        Raises:
            RenderError: No worker is left.
        """
        worker.pipe.close()
        place, lost = self._workers.index(worker), worker.lost_starts + (not worker.ready)
        if lost < MOST_STARTS_LOST:
            self._workers[place] = self._started(worker.rank)
            self._workers[place].lost_starts = lost
            return
        del self._workers[place]
        if not self._workers:
            raise died_while_opening(cause, OPTION)

    def _started(self, rank: int) -> _Worker:
        wait_passively()  # the worker has this process's environment, and may import torch with its main program
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=serve, args=(theirs, pack(self._setup), rank), name=f"lora-mixer worker {rank}", daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(rank=rank, process=process, pipe=ours)


def serve(pipe: Connection, setup: bytes, rank: int) -> None:
    """Run a worker: open the model, then answer messages until the pipe closes.

    Ctrl+C is left to the run; when the run dies, so does the worker, whatever it is doing.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_the_run, daemon=True).start()
    begin()
    with uncollected():
        from lora_mixer.workers.worker import Worker

    try:
        worker = Worker(setup, rank)
    except LoraMixerError as error:
        pipe.send_bytes(REFUSED + pack(Failure.of(error)))
        return
    with suppress(OSError):  # the others made every picture meanwhile
        pipe.send_bytes(READY)
    kinds = {ASK: worker.answer, RENDER: worker.render}
    while True:
        try:
            data = pipe.recv_bytes()
        except EOFError:
            return
        pipe.send_bytes(REPLY + kinds[data[:1]](data[1:]))


def _die_with_the_run() -> None:
    run = multiprocessing.parent_process()
    if run is not None:
        wait([run.sentinel])
        signal.raise_signal(signal.SIGKILL)


def _received(worker: _Worker) -> bytes | None:
    """Return what a worker sent, None if it died first."""
    try:
        return worker.pipe.recv_bytes() if worker.pipe.poll() or worker.process.is_alive() else None
    except (EOFError, OSError):
        return None


def _cause(worker: _Worker) -> str:
    worker.process.join(PATIENCE)
    code = worker.process.exitcode
    if code is not None and code < 0:
        return f"{signal.Signals(-code).name}, process {worker.process.pid}"
    return f"exit code {code}, process {worker.process.pid}"
