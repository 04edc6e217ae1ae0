"""How a run begins: what the folder holds, what is asked for, and what of the one serves the other."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lora_mixer.errors import ConfigError
from lora_mixer.ledger.aside import ASIDE
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.grow import Grown, grown, numbered, placed_apart, rebuilt
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
from lora_mixer.ledger.plan_file import PLAN, StoredPlan
from lora_mixer.ledger.writer import LedgerWriter
from lora_mixer.promptfile.plan import PromptFile
from lora_mixer.request import RenderRequest
from lora_mixer.runs.resolve_plan import ResolvedPlan, laid_out, requests_of, resolve_plan
from lora_mixer.runs.whereabouts import Whereabouts
from lora_mixer.wording import counted
from lora_mixer.workers.executor import Executor, Heartbeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a run begins.

    Attributes:
        size: The most pictures rendered at once, for a plan that is new.
        threads: CPU threads of each worker, if somebody asked for a number.
        anew: Make every picture anew, also those that were set aside once.
        retry: Try again what failed in an earlier run.
        strict: Refuse to begin if a job cannot be made, or if the pictures there are were made from something else.
        known: Why some jobs cannot be made, by number, as far as that was found out without a worker.
        witness: Returns what stands for all that the plan follows from; an empty text if that cannot be told.
    """

    size: int
    threads: int | None
    retry: bool
    strict: bool
    anew: bool
    known: Mapping[int, Failure]
    witness: Callable[[], str]


@dataclass(slots=True, kw_only=True)
class Begun:
    """A run that may go on.

    Attributes:
        plan: The plan as the folder has it now.
        requests: What to render, seeds included.
        failures: Jobs that cannot be made, or are left alone since they failed before.
        whole: Numbers of the pictures that are there.
    """

    plan: StoredPlan
    requests: tuple[RenderRequest, ...]
    failures: dict[int, Failure] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)


class Beginning:
    """Brings a folder and what is asked for together. Nothing is moved before all that can be refused was.

    Args:
        file: What is asked for.
        folder: The run's folder.
        writer: Its ledger.
        executor: Who answers.
        terms: How.
        say: Told what the user should know.
        heartbeat: Called while waiting.
        on_planned: Called with how many jobs are known so far.
    """

    def __init__(
        self,
        file: PromptFile,
        folder: Path,
        writer: LedgerWriter,
        executor: Executor,
        terms: Terms,
        *,
        say: Callable[[str], None],
        heartbeat: Heartbeat,
        on_planned: Callable[[int], None],
    ) -> None:
        self._file = file
        self._folder = folder
        self._writer = writer
        self._executor = executor
        self._terms = terms
        self._say = say
        self._heartbeat = heartbeat
        self._on_planned = on_planned
        self._where = Whereabouts(file)
        self._there: dict[int, LedgerEntry] = {}

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
        lines = [line for line in entry_lines(bytes_of(self._folder / MANIFEST)).whole if _is_ours(line)]
        asked = StoredPlan.of(self._file, size=self._terms.size)
        start = grown(asked, before) if before else rebuilt(asked, lines)
        failed = {line.index: line for line in failure_lines(bytes_of(self._folder / FAILED)).whole}
        failures = start.failures(failed) if before and not self._terms.retry else {}
        witness = self._terms.witness()
        if before is not None and self._nothing_new(start, before, witness, failures):
            begun = self._same(replace(start.plan, witness=witness), failures, lines)
        else:
            begun = self._settled(start, before, witness, failures, lines)
        self._commit(begun, before, lines, failed)
        return begun

    def _nothing_new(self, start: Grown, before: StoredPlan, witness: str, failures: Mapping[int, Failure]) -> bool:
        """Tell whether the plan stands as it is, so that nobody need be asked."""
        answered = all(job.digest is not None or index in failures for index, job in enumerate(start.plan.jobs))
        threads = self._terms.threads in {None, before.threads}
        return bool(witness) and witness == before.witness and start.same and answered and threads

    def _same(self, plan: StoredPlan, failures: Mapping[int, Failure], lines: Sequence[LedgerEntry]) -> Begun:
        requests = requests_of(plan.jobs, (job.request for job in self._file.jobs))
        found, plan = self._found(plan, range(len(plan.jobs)), lines)
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
            known=self._terms.known,
            heartbeat=self._heartbeat,
            on_planned=self._on_planned,
        )
        for note in settled.notes:
            self._say(note)
        cannot = dict(self._terms.known) | {i: self._where.told(f) for i, f in settled.failures.items()}
        changed = {i for i, job in enumerate(start.plan.jobs) if job.digest not in {None, settled.jobs[i].digest}}
        self._refuse(settled, before, cannot, changed)
        plan = replace(
            placed_apart(start.plan, changed),
            jobs=settled.jobs,
            basis=dict(start.plan.basis) | settled.basis,
            threads=start.plan.threads or self._terms.threads or self._executor.share(settled.threads or 1),
        )
        stood = {i for i, job in enumerate(start.plan.jobs) if job.digest is not None and i not in changed}
        found, plan = self._found(plan, stood, lines)
        requests = requests_of(plan.jobs, requests)
        placed = {index for batch in plan.batches for index in batch.jobs}
        apart = [i for i, job in enumerate(plan.jobs) if job.digest is not None and i not in placed]
        groups = [apart] if before is None else [[i for i in apart if (i in found) is there] for there in (False, True)]
        plan = laid_out(plan, requests, self._executor, groups, self._heartbeat)
        plan = replace(plan, witness=witness if witness == self._terms.witness() else "")
        left = {i: failure for i, failure in failures.items() if i in stood}
        return self._with(plan, requests, left | cannot, found)

    def _refuse(
        self, settled: ResolvedPlan, before: StoredPlan | None, cannot: Mapping[int, Failure], changed: set[int]
    ) -> None:
        """Refuse to begin where nothing can be made, or, if that was asked for, where anything is amiss."""
        if cannot and (self._terms.strict or all(job.digest is None for job in settled.jobs)):
            raise cannot[min(cannot)].raised()
        changes = before.changes(settled.basis) if before else ()
        if changes and self._terms.strict:
            raise ConfigError(
                f"the run began with something else: {'; '.join(changes[:4])}",
                where=str(self._folder),
                remedy="Put it back to go on, or leave --strict out: pictures are made again, and the old ones kept.",
            )
        if changed:
            why = "; ".join(changes[:4]) or "settings that are filled in differ"
            self._say(f"not what the run began with ({why}): {len(changed)} pictures are made again")

    def _found(
        self, plan: StoredPlan, kept: Iterable[int], lines: Sequence[LedgerEntry]
    ) -> tuple[dict[int, LedgerEntry], StoredPlan]:
        """Return the whole pictures of a plan wherever they lie, by number, and the plan with numbers for all files.

        Args:
            plan: The plan.
            kept: Numbers of jobs whose pictures keep their names.
            lines: What is entered.
        """
        kept = [index for index in kept if plan.jobs[index].digest is not None]
        names = {index: plan.file(index) for index in kept}
        by_file = {entry.file.as_posix(): entry for entry in lines}
        found = {
            index: entry
            for index, name in names.items()
            if (entry := by_file.get(name)) is not None and self._is(entry, plan.jobs[index].digest)
        }
        numbers = {index: _number(name) for index, name in names.items()}
        others = self._others(plan, found, [e for name, e in by_file.items() if name not in set(names.values())])
        for index, entry in others.items():
            if entry.file.parent.as_posix() == PICTURES:
                numbers[index] = _number(entry.file.name)
        return found | others, numbered(plan, {i: n for i, n in numbers.items() if n is not None})

    def _others(
        self, plan: StoredPlan, found: Mapping[int, LedgerEntry], lines: Iterable[LedgerEntry]
    ) -> dict[int, LedgerEntry]:
        """Return whole pictures of jobs that lack theirs: entered under another name, or set aside once."""
        lacking = {job.digest for i, job in enumerate(plan.jobs) if job.digest is not None and i not in found}
        known: dict[str, deque[LedgerEntry]] = defaultdict(deque)
        for entry in (*lines, *(self._writer.aside.entries() if lacking and not self._terms.anew else ())):
            if entry.digest in lacking:
                known[entry.digest].append(entry)
        others: dict[int, LedgerEntry] = {}
        for index, job in enumerate(plan.jobs):
            while index not in found and index not in others and job.digest and known[job.digest]:
                entry = known[job.digest].popleft()
                if self._is(entry, job.digest):
                    others[index] = entry
        return others

    def _is(self, entry: LedgerEntry, digest: str | None) -> bool:
        return entry.digest == digest and digest_of_file(self._folder / entry.file) == entry.sha256

    def _with(
        self,
        plan: StoredPlan,
        requests: tuple[RenderRequest, ...],
        failures: Mapping[int, Failure],
        found: dict[int, LedgerEntry],
    ) -> Begun:
        there = {i: replace(entry, index=i, name=plan.jobs[i].name) for i, entry in found.items()}
        self._there = there
        left = {i: failure for i, failure in failures.items() if i not in there}
        return Begun(plan=plan, requests=requests, failures=left, whole=set(there))

    def _commit(
        self, begun: Begun, before: StoredPlan | None, lines: Sequence[LedgerEntry], failed: Mapping[int, Failure]
    ) -> None:
        """Write down what was found out. A crash between any two of these steps costs nothing but their repetition."""
        there, plan = self._there, begun.plan
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

    def _put_aside(self, entries: Sequence[LedgerEntry], files: set[str]) -> None:
        """Move pictures aside that are asked for no longer; one that is damaged only if its place is not needed anyway."""
        whole = [entry for entry in entries if digest_of_file(self._folder / entry.file) == entry.sha256]
        others = {entry.file.as_posix() for entry in entries if entry not in whole} - files
        count = self._writer.put_aside(whole, others)
        if count:
            self._say(f"{counted(count, 'picture')} asked for no longer, now in {self._folder / ASIDE}")


def refuse_strangers(folder: Path) -> None:
    """Refuse a folder with a manifest of which no line is ours, and no plan: somebody else's files lie there.

    Raises:
        ConfigError: It is one.
    """
    if (folder / PLAN).exists():
        return
    found = entry_lines(bytes_of(folder / MANIFEST))
    if found.damaged and not found.whole:
        raise ConfigError(
            f"the folder holds a {MANIFEST} that is not of this program, or of another run",
            where=str(folder),
            remedy=f"Name another folder with --output, or give that {MANIFEST} another name.",
        )


def _is_ours(entry: LedgerEntry) -> bool:
    """Tell whether a line speaks of a picture in the folder of pictures, as all do that this program wrote."""
    return entry.file.parent.as_posix() == PICTURES and entry.file.name not in {"", ".."}


def _number(name: str) -> int | None:
    stem = Path(name).stem
    return int(stem) if stem.isdecimal() and stem.isascii() else None
