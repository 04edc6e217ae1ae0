"""A run under way: batches handed out, what comes back entered, until every picture is there or has failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lora_mixer.errors import LoraMixerError, PartialRunError
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import PICTURES, Ledger
from lora_mixer.request import RenderRequest
from lora_mixer.runs.begin import Beginning, Begun
from lora_mixer.runs.context import RunContext
from lora_mixer.runs.outputs import lay_out
from lora_mixer.runs.progress import RunProgress
from lora_mixer.workers.dispatch import dispatch
from lora_mixer.workers.executor import Finished, RunJob, Task

ROUNDS = 3
"""How often it is looked whether what was finished is still there, and made again if it is not."""


class RunWork:
    """A run under way."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._say = context.listeners.say
        self._begun: Begun | None = None
        self._known_place = context.folder
        self.found = 0
        self.there: set[int] = set()
        self.failures: dict[int, Failure] = {}

    def begin(self) -> None:
        """Bring the folder and what is asked for together; see `Beginning.begin`."""
        context = self._context
        if context.options.anew:
            context.writer.clear()
        self._begun = begun = Beginning(context).begin()
        self.there, self.failures, self.found = set(begun.there), begun.failures, len(begun.there)
        for index in sorted(begun.there):
            context.listeners.on_picture(begun.there[index], made=False)
        for index in sorted(self.failures):
            context.listeners.on_failure(self.failures[index])

    def render(self) -> None:
        """Render what is missing, and again what has gone meanwhile.

        Raises:
            PartialRunError: Pictures go again and again.
        """
        for _ in range(ROUNDS):
            tasks = list(self._tasks())
            if not tasks:
                return
            self._context.executor.start(self._heartbeat)
            for finished in dispatch(
                tasks,
                self._context.executor,
                heartbeat=self._heartbeat,
                say=self._say,
                stamp=self._stamped,
                excused=self._excused,
            ):
                self._enter(finished)
            gone = self._gone()
            if gone:
                self._say(f"{len(gone)} pictures are no longer in the folder or its ledger; they are made again")
            self.there -= gone
            self.found = min(self.found, len(self.there))
        missing = self._context.total - len(self.there) - len(self.failures)
        if missing:
            raise PartialRunError(
                f"{missing} of {self._context.total} pictures vanish from the folder or its ledger as soon as they are made",
                where=str(self._context.folder),
                remedy="Find out what else writes there, then run the same command again.",
            )

    def lay_out(self) -> tuple[Path, ...]:
        """Draw sheet and index of the pictures there are, if there is a plan and they are wanted."""
        wanted = self._begun is not None and self._context.options.sheet
        return lay_out(Ledger.read(self._context.folder)) if wanted else ()

    def stopped(self, error: LoraMixerError) -> LoraMixerError:
        """Return the error of a run that stopped, as one that says how many pictures are there, if any are."""
        total = self._context.total
        there = len(self.there) if self._begun is not None else _count(self._context.folder)
        if not there:
            return error
        return PartialRunError(
            f"the run stopped after {there} of {total} pictures: {error.what}",
            where=error.where,
            remedy=f"{error.remedy or 'Mend that.'} Then run the same command again: what is finished is kept.",
        )

    def _tasks(self) -> Iterator[Task]:
        """Yield the plan's batches that lack a picture, each whole, so that what is made is what it would have been."""
        assert self._begun is not None
        plan = self._begun.plan
        for batch in plan.batches:
            jobs = tuple(map(self._job, batch.jobs))
            task = Task(
                jobs=jobs,
                engine=batch.engine,
                reason=batch.reason,
                threads=plan.threads,
                folder=self._known_place,
                token=self._context.writer.token,
            )
            if task.wanted:
                yield task

    def _job(self, index: int) -> RunJob:
        assert self._begun is not None
        plan = self._begun.plan
        if index >= len(plan.jobs):
            request = _with_inputs(plan.guests[index - len(plan.jobs)].request(), self._known_place / PICTURES)
            return RunJob(index=index, request=request)
        wanted = index not in self.there and index not in self.failures
        return RunJob(
            index=index,
            request=self._begun.requests[index],
            stored=plan.jobs[index],
            file=plan.file(index) if wanted else None,
        )

    def _enter(self, finished: Finished) -> None:
        """Enter what came of a task, and stop where nothing more can be written."""
        context, listeners = self._context, self._context.listeners
        failures = [context.where.told(failure) for failure in finished.failures]
        entered = context.writer.enter(finished.entries)
        self.there |= {entry.index for entry in entered}
        self.failures |= {failure.index: failure for failure in failures}
        context.writer.fail(failures)
        for entry in entered:
            listeners.on_picture(entry, made=True)
        for failure in failures:
            listeners.on_failure(failure)
        if finished.stopped is not None:
            raise finished.stopped.raised()
        listeners.on_progress(self._progress(0.0))

    def _gone(self) -> set[int]:
        """Return the pictures that were there and are not, by what lies in the folder."""
        ledger = Ledger.read(self._context.folder)
        return {index for index in self.there if not ledger.is_there(index)}

    def _stamped(self, task: Task) -> Task:
        return replace(task, folder=self._follow())

    def _excused(self, stopped: Failure) -> bool:
        """Return whether something could not be written because the folder was renamed meanwhile."""
        self._follow()
        return any((stopped.where or "").startswith(f"{folder}{os.sep}") for folder in self._context.place.former)

    def _follow(self) -> Path:
        """Return where the folder lies, and say so if it was renamed."""
        before, self._known_place = self._known_place, self._context.folder
        if before != self._known_place:
            self._say(f"the folder was renamed; the run goes on in {self._known_place}")
        return self._known_place

    def _heartbeat(self, hand: float) -> None:
        self._context.listeners.progress(self._progress(hand))

    def _progress(self, hand: float) -> RunProgress:
        return RunProgress(total=self._context.total, done=len(self.there), failed=len(self.failures), hand=hand)


def _with_inputs(request: RenderRequest, folder: Path) -> RenderRequest:
    """Return a request of a plan, with input pictures that lie in no file of their own where they are kept."""
    init, mask = (None if picture is None else picture.kept_in(folder) for picture in (request.init, request.mask))
    return replace(request, init=init, mask=mask)


def _count(folder: Path) -> int:
    """Return how many pictures a folder holds, whatever plan they are of."""
    try:
        return len(Ledger.read(folder).entries)
    except LoraMixerError:
        return 0
