"""A prompt file rendered into a folder: what is missing is made and entered, then sheet and index are laid out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lora_mixer.batch.crew import Crew, Finished, Task, TaskJob
from lora_mixer.batch.dispatch import dispatch
from lora_mixer.batch.failure import Failure
from lora_mixer.batch.ledger import MANIFEST, PICTURES, Ledger
from lora_mixer.batch.ledger_writer import LedgerWriter
from lora_mixer.batch.lock import hold
from lora_mixer.batch.outputs import lay_out
from lora_mixer.batch.plan import PromptFile
from lora_mixer.batch.settle import Settled, at_line, settle
from lora_mixer.batch.stored import ANEW, PLAN, StoredPlan
from lora_mixer.errors import CancelledError, ConfigError, FileError, LoraMixerError, PartialRunError
from lora_mixer.request import RenderRequest


class Switch(Protocol):
    """What can be pressed to stop a run, such as `lora_mixer.Cancel`."""

    def check(self) -> None:
        """Raise CancelledError if it was pressed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far a run is.

    Attributes:
        total: Pictures of the plan.
        done: Pictures on disk.
        failed: Jobs that failed.
        hand: How many pictures' worth of work the batch under way has behind it, where that is known.
    """

    total: int
    done: int
    failed: int
    hand: float = 0.0

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
        anew: Forget what the folder holds.
        retry_failed: Try again what failed in an earlier run.
        strict: Stop before the first picture if any job cannot be made.
    """

    batch: int = 4
    threads: int | None = None
    anew: bool = False
    retry_failed: bool = False
    strict: bool = False


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
            remedy="Mend what is listed above, then run the same command with --retry-failed.",
        )


@dataclass(slots=True, kw_only=True)
class _Count:
    total: int
    rendered: int = 0
    whole: set[int] = field(default_factory=set)
    failures: dict[int, Failure] = field(default_factory=dict)

    def standing(self, hand: float = 0.0) -> Standing:
        return Standing(total=self.total, done=len(self.whole) + self.rendered, failed=len(self.failures), hand=hand)


def run(
    plan: PromptFile,
    output: Path,
    crew: Crew,
    *,
    options: RunOptions | None = None,
    on_progress: Callable[[Standing], None] | None = None,
    cancel: Switch | None = None,
    say: Callable[[str], None] | None = None,
) -> RunResult:
    """Render what is missing of a plan into a folder: pictures, ledger, sheet, index.

    A picture is entered when it is on disk, so what is finished stays whatever happens; the same call goes on from
    there. Which pictures are rendered together follows from the plan alone, so the pixels are the same however many
    workers there are and however often the run was interrupted.

    Args:
        plan: The prompt file.
        output: The folder; made if missing.
        crew: Who renders: `InProcess`, `LocalWorkers` or `RayWorkers`.
        options: How.
        on_progress: Called after every step in this process, several times a second with workers.
        cancel: Stops within one step when pressed.
        say: Told what the user should know: a lock taken over, a worker that died.

    Raises:
        ConfigError: The folder holds another plan, or another run is writing there.
        FileError: The folder cannot be written to.
        CancelledError: The switch was pressed; what is finished is kept.
        PartialRunError: The run could not go on; some pictures are there.
        LoraMixerError: The model cannot be opened, or no job can be made.
    """
    started = time.perf_counter()
    options, say = options or RunOptions(), say or (lambda _sentence: None)
    folder = _made(output.absolute())
    with hold(folder, say), crew:
        count = _Count(total=len(plan.jobs))

        def watch(hand: float) -> None:
            if on_progress is not None:
                on_progress(count.standing(hand))
            if cancel is not None:
                cancel.check()

        writer = LedgerWriter(folder)
        settled = _begin(plan, folder, crew, writer, options, watch)
        for note in settled.notes:
            say(note)
        ledger = Ledger.read(folder)
        _take_stock(ledger, count, retry=options.retry_failed)
        tasks = list(_tasks(ledger, settled.requests, writer.token, count))
        try:
            for finished in dispatch(tasks, crew, watch=watch, say=say):
                _enter(finished, writer, count, ledger.plan)
                if on_progress is not None:
                    on_progress(count.standing())
        except CancelledError:
            lay_out(Ledger.read(folder))
            raise
        sheets = lay_out(Ledger.read(folder))
    return RunResult(
        total=count.total,
        found=len(count.whole),
        rendered=count.rendered,
        failures=tuple(count.failures[index] for index in sorted(count.failures)),
        manifest=folder / MANIFEST,
        sheets=sheets,
        seconds=time.perf_counter() - started,
    )


def _begin(
    file: PromptFile,
    folder: Path,
    crew: Crew,
    writer: LedgerWriter,
    options: RunOptions,
    watch: Callable[[float], None],
) -> Settled:
    """Settle the plan and write it down; refuse it where the folder holds another."""
    if options.anew:
        writer.clear()
    writer.repair()
    asked = StoredPlan.of(file, size=options.batch)
    earlier = _earlier(folder)
    given_up: Mapping[int, Failure] = {}
    if earlier is not None:
        earlier.plan.check_asks_the_same(asked, folder)
        given_up = {} if options.retry_failed else earlier.failures
    before = earlier.plan if earlier else asked
    settled = settle(file, before, crew, given_up=given_up, threads=options.threads, watch=watch)
    before.check_made_the_same(settled.now, settled.basis, folder)
    if settled.failures and (options.strict or all(job.digest is None for job in settled.plan.jobs)):
        raise settled.failures[0].raised()
    if settled.plan != before:
        settled.plan.write(folder)
    writer.fail(settled.failures)
    return settled


def _earlier(folder: Path) -> Ledger | None:
    """Return what the folder holds already.

    Raises:
        ConfigError: It holds pictures of a run without a plan.
    """
    if (folder / PLAN).exists():
        return Ledger.read(folder)
    if (folder / MANIFEST).exists():
        raise ConfigError("the folder holds pictures of another run", where=str(folder), remedy=ANEW)
    return None


def _take_stock(ledger: Ledger, count: _Count, *, retry: bool) -> None:
    """Count what is there and what failed for good."""
    count.whole.update(index for index in range(count.total) if ledger.is_whole(index))
    for index, failure in ledger.failures.items():
        if ledger.plan.jobs[index].digest is None or not retry:
            count.failures[index] = failure


def _tasks(ledger: Ledger, requests: Sequence[RenderRequest], token: str, count: _Count) -> Iterator[Task]:
    """Yield the plan's batches that lack a picture, each whole, so that what is made is what it would have been."""
    plan = ledger.plan
    for batch in plan.batches:
        jobs = tuple(
            TaskJob(
                index=index,
                name=plan.jobs[index].name,
                digest=plan.jobs[index].digest or "",
                request=requests[index],
                wanted=index not in count.whole and index not in count.failures,
            )
            for index in batch.jobs
        )
        if any(job.wanted for job in jobs):
            yield Task(
                jobs=jobs,
                engine=batch.engine,
                reason=batch.reason,
                threads=plan.threads,
                folder=ledger.folder,
                token=token,
            )


def _enter(finished: Finished, writer: LedgerWriter, count: _Count, plan: StoredPlan) -> None:
    """Enter what came of a task, and stop where nothing more can be written."""
    failures = [at_line(failure, plan) for failure in finished.failures]
    writer.enter(finished.entries)
    count.rendered += len(finished.entries)
    count.failures.update({failure.index: failure for failure in failures})
    writer.fail(failures)
    if finished.stopped is not None:
        raise _stopped(finished.stopped.raised(), count)


def _stopped(error: LoraMixerError, count: _Count) -> LoraMixerError:
    done = count.standing().done
    if not done:
        return error
    return PartialRunError(
        f"the run stopped after {done} of {count.total} pictures: {error.what}",
        where=error.where,
        remedy="Mend that, then run the same command again: what is finished is kept.",
    )


def _made(output: Path) -> Path:
    try:
        (output / PICTURES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"no folder can be made there: {error.strerror or error}",
            where=str(output / PICTURES),
            remedy="Name another folder with --output.",
        ) from error
    return output
