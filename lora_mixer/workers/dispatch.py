"""Hand tasks to an executor as it has free slots, retrying those of dead workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from lora_mixer.ledger.failure import Failure
from lora_mixer.wording import counted
from lora_mixer.workers.executor import Executor, Finished, Heartbeat, Task, WorkerDied

MOST_DEATHS = 5
"""Many enough that workers killed from outside never drive a batch apart: a picture alone differs in its last bits."""


def dispatch(
    tasks: Iterable[Task],
    executor: Executor,
    *,
    heartbeat: Heartbeat,
    say: Callable[[str], None],
    stamp: Callable[[Task], Task] = lambda task: task,
    excused: Callable[[Failure], bool] = lambda _stopped: False,
) -> Iterator[Finished]:
    """Yield what comes of every task, in the order they end; stop at the first that cannot write.

    A task whose worker died is given out again. After all but one of `MOST_DEATHS` its pictures go one by one, so that the
    one that kills (most often by memory) is found and the others are made; after the last it is a failure.

    Args:
        tasks: What to render, in order.
        executor: Who renders.
        heartbeat: Called while waiting.
        say: Told of workers that died.
        stamp: What is done to a task at the moment it is handed out.
        excused: Whether what could not be written is left for later: it was to go where the folder lay before.
    """
    waiting, out = deque(tasks), 0
    while waiting or out:
        while waiting and executor.free_slots > 0:
            executor.submit(stamp(waiting.popleft()))
            out += 1
        reply = executor.next_result(heartbeat)
        if reply is None:
            continue
        out -= 1
        if isinstance(reply, WorkerDied):
            again = _again(reply)
            pictures = counted(len(reply.task.jobs), "picture")
            fate = f"to render again: {pictures}" if again else f"given up: {pictures}"
            say(f"a worker died ({reply.reason}); {fate}")
            waiting.extendleft(reversed(again))
            reply = Finished() if again else _given_up(reply)
        if reply.stopped is not None and excused(reply.stopped):
            reply = replace(reply, stopped=None)
        yield reply
        if reply.stopped is not None:
            return


def _again(lost: WorkerDied) -> list[Task]:
    task = replace(lost.task, deaths=lost.task.deaths + lost.begun)
    if task.deaths >= MOST_DEATHS:
        return []
    if task.deaths < MOST_DEATHS - 1 or len(task.jobs) == 1:
        return [task]
    return [replace(task, jobs=(job,)) for job in task.wanted]


def _given_up(lost: WorkerDied) -> Finished:
    return Finished(
        failures=tuple(
            Failure(
                index=job.index,
                error="RenderError",
                what=f"{MOST_DEATHS} workers died over it, the last: {lost.reason}",
                remedy="If memory ran out, use fewer --workers or a smaller size; then --retry-failed.",
            )
            for job in lost.task.wanted
        )
    )
