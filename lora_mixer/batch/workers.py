"""A crew of processes on this machine: one model each, one task at a time each, the dead replaced."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Self

from lora_mixer.batch.crew import Answers, Finished, Lost, Questions, Setup, Task, Watch, pack, unpack
from lora_mixer.batch.failure import Failure
from lora_mixer.errors import LoraMixerError, RenderError
from lora_mixer.waiting import wait_passively

TICK = 0.2
PATIENCE = 5.0
ASK, RENDER, REFUSED, REPLY = b"a", b"r", b"x", b"f"
"""The first byte of a message says what it is; the rest is JSON."""


@dataclass(slots=True, kw_only=True)
class _Worker:
    rank: int
    process: BaseProcess
    pipe: Connection
    task: Task | None = None


class LocalWorkers:
    """Renders in processes of this machine; this process itself opens no model and imports no torch.

    Args:
        setup: How each opens the model; where there are several GPUs and none is named, they take turns.
        count: How many.
    """

    def __init__(self, setup: Setup, count: int) -> None:
        self._setup = setup
        self._count = count
        self._workers: list[_Worker] = []
        self._context = multiprocessing.get_context("spawn")

    def __enter__(self) -> Self:
        """Nothing is started before the first question: a plan that is refused costs no model."""
        return self

    def __exit__(self, *raised: object) -> None:
        """End all workers; after an error without waiting for what they are at."""
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
    def room(self) -> int:
        """One task for every idle worker."""
        return sum(worker.task is None for worker in self._workers)

    def ask(self, questions: Questions, watch: Watch) -> Answers:
        """Start the workers, and ask the first.

        Raises:
            LoraMixerError: It cannot open the model.
            RenderError: It died.
        """
        self._workers = [self._started(rank) for rank in range(self._count)]
        first = self._workers[0]
        first.pipe.send_bytes(ASK + pack(replace(questions, sharing=self._count)))
        while not wait([first.pipe, first.process.sentinel], TICK):
            watch(0.0)
        data = _received(first)
        if data is None:
            raise RenderError(
                f"the first worker died while it opened the model ({_cause(first)})",
                remedy="Try without --workers to see why; most often memory is short.",
            )
        if data[:1] == REFUSED:
            raise unpack(Failure, data[1:]).raised()
        return unpack(Answers, data[1:])

    def share(self, threads: int) -> int:
        """An equal part for each."""
        return max(1, threads // self._count)

    def give(self, task: Task) -> None:
        """Hand a task to an idle worker."""
        worker = next(worker for worker in self._workers if worker.task is None)
        worker.task = task
        try:
            worker.pipe.send_bytes(RENDER + pack(task))
        except OSError:
            return  # it is dead; `take` finds out and says so

    def take(self, watch: Watch) -> Finished | Lost:
        """Wait until a task is done or its worker dead.

        Raises:
            LoraMixerError: A worker cannot open the model.
        """
        while True:
            busy = [worker for worker in self._workers if worker.task is not None]
            ready = wait([end for worker in busy for end in (worker.pipe, worker.process.sentinel)], TICK)
            watch(0.0)
            for worker in busy:
                if worker.pipe in ready or worker.process.sentinel in ready:
                    return self._reply(worker)

    def _reply(self, worker: _Worker) -> Finished | Lost:
        task, worker.task = worker.task, None
        data = _received(worker)
        if data is not None and data[:1] == REFUSED:
            raise unpack(Failure, data[1:]).raised()
        if data is not None:
            return unpack(Finished, data[1:])
        if task is None:  # never: only busy workers are waited for
            raise RenderError("a worker without a task answered")
        lost = Lost(task=task, reason=_cause(worker))
        worker.pipe.close()
        self._workers[self._workers.index(worker)] = self._started(worker.rank)
        return lost

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
    """Be a worker: open the model, then answer whatever comes until the other end is closed.

    Ctrl+C is the run's to handle; when the run dies, so does the worker, in the middle of whatever it does.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_the_run, daemon=True).start()
    from lora_mixer.batch.answering import Answering

    try:
        worker = Answering(setup, rank)
    except LoraMixerError as error:
        pipe.send_bytes(REFUSED + pack(Failure.of(error)))
        return
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
