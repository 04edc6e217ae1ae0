"""Begin a run: match what the folder holds with what is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lora_mixer.errors import ConfigError
from lora_mixer.ledger.aside import ASIDE
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.grow import Grown, grown, placed_apart, rebuilt
from lora_mixer.ledger.ledger import (
    FAILED,
    MANIFEST,
    PICTURES,
    LedgerEntry,
    bytes_of,
    digest_of_file,
    entry_lines,
    failure_lines,
)
from lora_mixer.ledger.plan_file import StoredPlan
from lora_mixer.request import RenderRequest
from lora_mixer.runs.context import RunContext
from lora_mixer.runs.matching import KnownPictures, is_ours, refuse_strangers
from lora_mixer.runs.progress import RunProgress
from lora_mixer.runs.resolve_plan import ResolvedPlan, laid_out, requests_of, resolve_plan
from lora_mixer.wording import counted


@dataclass(slots=True, kw_only=True)
class Begun:
    """A run ready to continue.

    Attributes:
        plan: The plan as the folder has it now.
        requests: What to render, seeds included.
        failures: Jobs that cannot be made, or are left alone since they failed before.
        there: The pictures that are there, by number.
    """

    plan: StoredPlan
    requests: tuple[RenderRequest, ...]
    failures: dict[int, Failure] = field(default_factory=dict)
    there: dict[int, LedgerEntry] = field(default_factory=dict)


class Beginning:
    """Matches a folder with a plan. Nothing is moved before everything that can be refused has been.

    Args:
        context: The run.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._file = context.file
        self._folder = context.folder
        self._writer = context.writer
        self._executor = context.executor
        self._options = context.options
        self._say = context.listeners.say
        self._known_jobs = 0

    def begin(self) -> Begun:
        """Return the run, after the folder holds its plan and none but its pictures.

        Raises:
            ConfigError: The folder holds somebody else's files; with `strict`, something is not as it was.
            FileError: The ledger cannot be written.
            LoraMixerError: The model cannot be opened, or no job can be made.
        """
        refuse_strangers(self._folder)
        self._writer.repair()
        before = self._writer.plan()
        lines = [line for line in entry_lines(bytes_of(self._folder / MANIFEST)).whole if is_ours(line)]
        asked = StoredPlan.of(self._file, size=self._options.batch)
        start = grown(asked, before) if before else rebuilt(asked, lines)
        failed = {line.index: line for line in failure_lines(bytes_of(self._folder / FAILED)).whole}
        failures = start.failures(failed) if before and not self._options.retry_failed else {}
        witness = self._witness()
        if before is not None and self._nothing_new(start, before, witness, failures):
            begun = self._same(replace(start.plan, witness=witness), failures, lines)
        else:
            begun = self._settled(start, before, witness, failures, lines)
        self._commit(begun, before, lines, failed)
        return begun

    def _nothing_new(self, start: Grown, before: StoredPlan, witness: str, failures: Mapping[int, Failure]) -> bool:
        """Return whether the plan is unchanged, so that no worker need be asked."""
        answered = all(job.digest is not None or index in failures for index, job in enumerate(start.plan.jobs))
        threads = self._options.threads in {None, before.threads}
        return bool(witness) and witness == before.witness and start.same and answered and threads

    def _same(self, plan: StoredPlan, failures: Mapping[int, Failure], lines: Sequence[LedgerEntry]) -> Begun:
        requests = requests_of(plan.jobs, (job.request for job in self._file.jobs))
        found, plan = self._pictures(lines).of(plan, range(len(plan.jobs)))
        return self._with(plan, requests, failures, found)

    def _settled(
        self,
        start: Grown,
        before: StoredPlan | None,
        witness: str,
        failures: Mapping[int, Failure],
        lines: Sequence[LedgerEntry],
    ) -> Begun:
        requests = requests_of(start.plan.jobs, (job.request for job in self._file.jobs))
        settled = resolve_plan(
            start.plan,
            requests,
            self._executor,
            known=self._options.known,
            heartbeat=self._heartbeat,
            on_planned=self._planned,
        )
        for note in settled.notes:
            self._say(note)
        cannot = dict(self._options.known) | {i: self._context.where.told(f) for i, f in settled.failures.items()}
        changed = {i for i, job in enumerate(start.plan.jobs) if job.digest not in {None, settled.jobs[i].digest}}
        self._refuse(settled, before and start.plan, cannot, changed)
        plan = replace(
            placed_apart(start.plan, changed),
            jobs=settled.jobs,
            basis=dict(start.plan.basis) | settled.basis,
            threads=start.plan.threads or self._options.threads or self._executor.share(settled.threads or 1),
        )
        stood = {i for i, job in enumerate(start.plan.jobs) if job.digest is not None and i not in changed}
        found, plan = self._pictures(lines).of(plan, stood)
        requests = requests_of(plan.jobs, requests)
        placed = {index for batch in plan.batches for index in batch.jobs}
        apart = [i for i, job in enumerate(plan.jobs) if job.digest is not None and i not in placed]
        groups = [apart] if before is None else [[i for i in apart if (i in found) is there] for there in (False, True)]
        plan = laid_out(plan, requests, self._executor, groups, self._heartbeat)
        plan = replace(plan, witness=witness if witness == self._witness() else "")
        left = {i: failure for i, failure in failures.items() if i in stood}
        return self._with(plan, requests, left | cannot, found)

    def _refuse(
        self, settled: ResolvedPlan, before: StoredPlan | None, cannot: Mapping[int, Failure], changed: set[int]
    ) -> None:
        """Refuse to begin where nothing can be made, or, if that was asked for, where anything is amiss."""
        if cannot and (self._options.strict or all(job.digest is None for job in settled.jobs)):
            raise cannot[min(cannot)].raised()
        changes = (*before.changes(settled.basis), *_other_inputs(before, settled)) if before else ()
        if changes and self._options.strict:
            raise ConfigError(
                f"the run began with something else: {'; '.join(changes[:4])}",
                where=str(self._folder),
                remedy="Put it back to go on, or leave --strict out: pictures are made again, and the old ones kept.",
            )
        if changed:
            why = "; ".join(changes[:4]) or "settings that are filled in differ"
            self._say(f"not what the run began with ({why}): {len(changed)} pictures are made again")

    def _with(
        self,
        plan: StoredPlan,
        requests: tuple[RenderRequest, ...],
        failures: Mapping[int, Failure],
        found: dict[int, LedgerEntry],
    ) -> Begun:
        there = {i: replace(entry, index=i, name=plan.jobs[i].name) for i, entry in found.items()}
        left = {i: failure for i, failure in failures.items() if i not in there}
        return Begun(plan=plan, requests=requests, failures=left, there=there)

    def _commit(
        self, begun: Begun, before: StoredPlan | None, lines: Sequence[LedgerEntry], failed: Mapping[int, Failure]
    ) -> None:
        """Write down what was found out. A crash between any two of these steps costs nothing but their repetition."""
        there, plan = begun.there, begun.plan
        by_file = {entry.file.as_posix(): entry for entry in lines}
        mine = {entry.file.as_posix() for entry in there.values()}
        files = {plan.file(index) for index in range(len(plan.jobs))}
        self._put_aside([entry for name, entry in by_file.items() if name not in mine], files)
        entries = [replace(entry, file=Path(plan.file(index))) for index, entry in sorted(there.items())]
        if plan != before:
            self._writer.write_plan(plan)
        as_entered = len(lines) == len(entries) and by_file == {entry.file.as_posix(): entry for entry in entries}
        if not as_entered or begun.failures != dict(failed):
            self._writer.rewrite(entries, (begun.failures[index] for index in sorted(begun.failures)))
        back = [index for index, entry in there.items() if entry.file.parent.as_posix() != PICTURES]
        for index in back:
            self._writer.bring_back(there[index], plan.file(index))
        if back:
            self._say(f"{len(back)} pictures that were set aside are asked for again and are back")
        begun.there = {entry.index: entry for entry in entries}

    def _pictures(self, lines: Sequence[LedgerEntry]) -> KnownPictures:
        """Return the pictures that may serve the plan: those that are entered, and those that were set aside once."""
        aside = () if self._options.anew else self._writer.aside.entries
        return KnownPictures(self._folder, lines, aside)

    def _witness(self) -> str:
        """Return what stands for all that the plan follows from; an empty text if that cannot be told."""
        return "" if self._options.witness is None else self._options.witness()

    def _heartbeat(self, _hand: float) -> None:
        self._planned(self._known_jobs)

    def _planned(self, count: int) -> None:
        """Tell how many jobs are known so far."""
        self._known_jobs = count
        self._context.listeners.progress(RunProgress(total=self._context.total, done=0, failed=0, planned=count))

    def _put_aside(self, entries: Sequence[LedgerEntry], files: set[str]) -> None:
        """Move pictures aside that are asked for no longer; one that is damaged only if its place is not needed anyway."""
        whole = [entry for entry in entries if digest_of_file(self._folder / entry.file) == entry.sha256]
        others = {entry.file.as_posix() for entry in entries if entry not in whole} - files
        count = self._writer.put_aside(whole, others)
        if count:
            self._say(f"{counted(count, 'picture')} asked for no longer, now in {self._folder / ASIDE}")


def _other_inputs(before: StoredPlan, settled: ResolvedPlan) -> Iterator[str]:
    """Yield what input pictures are others than those the plan was made with, a sentence each."""
    pairs = {
        (was, now): None
        for job, then in zip(settled.jobs, before.jobs, strict=True)
        if job.settings is not None and then.settings is not None
        for was, now in ((then.settings.init, job.settings.init), (then.settings.mask, job.settings.mask))
        if was is not None and now is not None and was.path == now.path and was.sha256 != now.sha256
    }
    for was, now in pairs:
        yield f"the picture {now.name} is {(now.sha256 or '')[:10]}, was {(was.sha256 or '')[:10]}"
