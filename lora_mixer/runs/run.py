"""A prompt file rendered into a folder: what is missing is made and entered, then sheet and index are laid out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from lora_mixer.errors import (
    CancelledError,
    ConfigError,
    FileError,
    LoraMixerError,
    PartialRunError,
    RequestError,
)
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import MANIFEST, PICTURES, Ledger
from lora_mixer.ledger.lock import hold
from lora_mixer.ledger.place import Place, made
from lora_mixer.ledger.writer import LedgerWriter
from lora_mixer.promptfile.plan import PromptFile
from lora_mixer.runs.begin import Beginning, Begun, Terms
from lora_mixer.runs.outputs import lay_out
from lora_mixer.runs.whereabouts import Whereabouts
from lora_mixer.workers.dispatch import dispatch
from lora_mixer.workers.executor import Executor, Finished, Task, TaskJob

ROUNDS = 3
"""How often it is looked whether what was finished is still there, and made again if it is not."""


class CancelToken(Protocol):
    """What can be pressed to stop a run, such as `lora_mixer.Cancel`."""

    def check(self) -> None:
        """Raise CancelledError if it was pressed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is.

    Attributes:
        total: Pictures of the plan.
        done: Pictures on disk.
        failed: Jobs that failed.
        hand: How many pictures' worth of work the batch under way has behind it, where that is known.
        planned: Jobs that are known, while a plan is made; None when it is.
    """

    total: int
    done: int
    failed: int
    hand: float = 0.0
    planned: int | None = None

    @property
    def fraction(self) -> float:
        """How much of the run is done, 0..1."""
        return min(1.0, (self.done + self.failed + self.hand) / self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is done; nothing here but `batch` and `threads` touches a pixel, and those are kept with the plan.

    Attributes:
        batch: The most pictures rendered at once.
        threads: CPU threads of each worker; None shares out what there is.
        anew: Set aside what the folder holds, and make every picture anew.
        retry_failed: Try again what failed in an earlier run.
        strict: Stop before the first picture if any job cannot be made, or if the pictures there were made from other
            files, versions or settings.
        known: Why some jobs cannot be made, by number, as far as that was found out without a worker.
        witness: Returns what stands for all files and options the plan follows from (`witness_of`): where it is as it
            was, and every picture is there, no model is opened. None always asks a worker.
    """

    batch: int = 4
    threads: int | None = None
    anew: bool = False
    retry_failed: bool = False
    strict: bool = False
    known: Mapping[int, Failure] = field(default_factory=lambda: MappingProxyType({}))
    witness: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What a run left behind.

    Attributes:
        total: Pictures of the plan.
        found: Pictures that were there already.
        rendered: Pictures made now.
        failures: Jobs that failed, now or in an earlier run.
        manifest: The file with one line a picture.
        sheets: Pages of the labelled sheet.
        seconds: Wall-clock time.
    """

    total: int
    found: int
    rendered: int
    failures: tuple[Failure, ...]
    manifest: Path
    sheets: tuple[Path, ...]
    seconds: float

    def check(self) -> None:
        """Raise if pictures are missing.

        Raises:
            PartialRunError: Some are there.
            LoraMixerError: None is there; the first job's reason.
        """
        if not self.failures:
            return
        if not self.found + self.rendered:
            raise self.failures[0].raised()
        raise PartialRunError(
            f"{len(self.failures)} of {self.total} pictures could not be made, the others are there",
            where=str(self.manifest.parent),
            remedy="Mend what is listed above and run the same command again; --retry-failed tries what failed midway.",
        )


def run(
    plan: PromptFile,
    output: Path,
    executor: Executor,
    *,
    options: RunOptions | None = None,
    on_progress: Callable[[RunProgress], None] | None = None,
    on_failure: Callable[[Failure], None] | None = None,
    cancel: CancelToken | None = None,
    say: Callable[[str], None] | None = None,
) -> RunResult:
    """Render what is missing of a plan into a folder: pictures, ledger, sheet, index.

    A picture is entered when it is on disk, so what is finished stays whatever happens; the same call goes on from
    there. Which pictures are rendered together follows from the plan alone, so the pixels are the same however many
    workers there are and however often the run was interrupted. Pictures are known by their digests: where the folder
    holds those of another plan, what is still asked for is kept, and the rest is moved into `set-aside/`.

    Args:
        plan: The prompt file.
        output: The folder; made if missing.
        executor: Who renders: `InProcess`, `LocalWorkers` or `RayWorkers`.
        options: How.
        on_progress: Called after every step in this process, several times a second with workers.
        on_failure: Called with every job that cannot be made, as soon as that is known.
        cancel: Stops within one step when pressed.
        say: Told what the user should know: a lock taken over, a worker that died, pictures moved aside.

    Raises:
        ConfigError: Another run is writing there, or the folder is somebody else's.
        FileError: The folder cannot be written to.
        CancelledError: The switch was pressed; what is finished is kept.
        PartialRunError: The run could not go on; some pictures are there.
        LoraMixerError: The model cannot be opened, or no job can be made.
    """
    started = time.perf_counter()
    output = output.absolute()
    _make(output)
    with hold(output, say or _silent) as place, executor:
        work = _Work(
            plan,
            place,
            executor,
            options or RunOptions(),
            on_progress=on_progress or _silent,
            on_failure=on_failure or _silent,
            cancel=cancel,
            say=say or _silent,
        )
        try:
            work.begin()
            work.render()
        except CancelledError:
            work.lay_out()
            raise
        except (ConfigError, RequestError, PartialRunError):
            raise
        except LoraMixerError as error:
            raise work.stopped(error) from error
        return RunResult(
            total=len(plan.jobs),
            found=work.found,
            rendered=len(work.there) - work.found,
            failures=tuple(work.failures[index] for index in sorted(work.failures)),
            manifest=place.path / MANIFEST,
            sheets=work.lay_out(),
            seconds=time.perf_counter() - started,
        )


class _Work:
    """A run under way."""

    def __init__(
        self,
        file: PromptFile,
        place: Place,
        executor: Executor,
        options: RunOptions,
        *,
        on_progress: Callable[[RunProgress], None],
        on_failure: Callable[[Failure], None],
        cancel: CancelToken | None,
        say: Callable[[str], None],
    ) -> None:
        self._file = file
        self._place = place
        self._executor = executor
        self._options = options
        self._on_progress = on_progress
        self._on_failure = on_failure
        self._cancel = cancel
        self._say = say
        self._writer = LedgerWriter(place, say)
        self._where = Whereabouts(file)
        self._begun: Begun | None = None
        self._planning = 0
        self._known_place = place.path
        self.found = 0
        self.there: set[int] = set()
        self.failures: dict[int, Failure] = {}

    def begin(self) -> None:
        """Bring the folder and what is asked for together; see `Beginning.begin`."""
        given = self._options
        if given.anew:
            self._writer.clear()
        terms = Terms(
            size=given.batch,
            threads=given.threads,
            retry=given.retry_failed,
            strict=given.strict,
            anew=given.anew,
            known=given.known,
            witness=given.witness or (lambda: ""),
        )
        beginning = Beginning(
            self._file,
            self._place.path,
            self._writer,
            self._executor,
            terms,
            say=self._say,
            heartbeat=lambda _hand: self._planned(self._planning),
            on_planned=self._planned,
        )
        self._begun = begun = beginning.begin()
        self.there, self.failures, self.found = begun.whole, begun.failures, len(begun.whole)
        for index in sorted(self.failures):
            self._on_failure(self.failures[index])

    def render(self) -> None:
        """Render what is missing, and again what has gone meanwhile.

        Raises:
            PartialRunError: Pictures go again and again.
        """
        for _ in range(ROUNDS):
            tasks = list(self._tasks())
            if not tasks:
                return
            self._executor.start(self._heartbeat)
            for finished in dispatch(
                tasks,
                self._executor,
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
        missing = len(self._file.jobs) - len(self.there) - len(self.failures)
        if missing:
            raise PartialRunError(
                f"{missing} of {len(self._file.jobs)} pictures vanish from the folder or its ledger as soon as they are made",
                where=str(self._place.path),
                remedy="Find out what else writes there, then run the same command again.",
            )

    def lay_out(self) -> tuple[Path, ...]:
        """Draw sheet and index of the pictures there are, if there is a plan."""
        return lay_out(Ledger.read(self._place.path)) if self._begun is not None else ()

    def stopped(self, error: LoraMixerError) -> LoraMixerError:
        """Return the error of a run that stopped, as one that says how many pictures are there, if any are."""
        total = len(self._file.jobs)
        there = len(self.there) if self._begun is not None else _count(self._place.path)
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
            if any(job.wanted for job in jobs):
                yield Task(
                    jobs=jobs,
                    engine=batch.engine,
                    reason=batch.reason,
                    threads=plan.threads,
                    folder=self._known_place,
                    token=self._writer.token,
                )

    def _job(self, index: int) -> TaskJob:
        assert self._begun is not None
        plan = self._begun.plan
        if index >= len(plan.jobs):
            request = plan.guests[index - len(plan.jobs)].request()
            return TaskJob(index=index, name="", digest="", request=request, wanted=False)
        return TaskJob(
            index=index,
            name=plan.jobs[index].name,
            digest=plan.jobs[index].digest or "",
            request=self._begun.requests[index],
            wanted=index not in self.there and index not in self.failures,
            file=plan.file(index),
        )

    def _enter(self, finished: Finished) -> None:
        """Enter what came of a task, and stop where nothing more can be written."""
        failures = [self._where.told(failure) for failure in finished.failures]
        self.there |= {entry.index for entry in self._writer.enter(finished.entries)}
        self.failures |= {failure.index: failure for failure in failures}
        self._writer.fail(failures)
        for failure in failures:
            self._on_failure(failure)
        if finished.stopped is not None:
            raise finished.stopped.raised()
        self._on_progress(self._standing(0.0))

    def _gone(self) -> set[int]:
        """Return the pictures that were there and are not, by what lies in the folder."""
        ledger = Ledger.read(self._place.path)
        return {index for index in self.there if not ledger.is_there(index)}

    def _stamped(self, task: Task) -> Task:
        return replace(task, folder=self._follow())

    def _excused(self, stopped: Failure) -> bool:
        """Return whether something could not be written because the folder was renamed meanwhile."""
        self._follow()
        return any((stopped.where or "").startswith(f"{folder}{os.sep}") for folder in self._place.former)

    def _follow(self) -> Path:
        """Return where the folder lies, and say so if it was renamed."""
        before, self._known_place = self._known_place, self._place.path
        if before != self._known_place:
            self._say(f"the folder was renamed; the run goes on in {self._known_place}")
        return self._known_place

    def _heartbeat(self, hand: float) -> None:
        self._on_progress(self._standing(hand))
        self._check()

    def _planned(self, count: int) -> None:
        self._planning = count
        self._on_progress(RunProgress(total=len(self._file.jobs), done=0, failed=0, planned=count))
        self._check()

    def _check(self) -> None:
        if self._cancel is not None:
            self._cancel.check()

    def _standing(self, hand: float) -> RunProgress:
        return RunProgress(total=len(self._file.jobs), done=len(self.there), failed=len(self.failures), hand=hand)


def _count(folder: Path) -> int:
    """Return how many pictures a folder holds, whatever plan they are of."""
    try:
        return len(Ledger.read(folder).entries)
    except LoraMixerError:
        return 0


def _silent(_told: object) -> None:
    """Tell nobody."""


def _make(output: Path) -> None:
    try:
        made(output / PICTURES)
    except OSError as error:
        raise FileError(
            f"no folder can be made there: {error.strerror or error}",
            where=str(output / PICTURES),
            remedy="Name another folder with --output.",
        ) from error
