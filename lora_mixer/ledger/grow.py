"""A growing plan: which jobs and pictures of an earlier plan the new one still asks for.

Jobs are matched by digest, never by place, so a mended, added or removed line costs only itself.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import LedgerEntry
from lora_mixer.ledger.plan_file import Batch, StoredJob, StoredPlan
from lora_mixer.request import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A plan that was asked for, with what an earlier one knew of it.

    Attributes:
        plan: The plan; jobs that both ask for have settings, digest and number of the earlier one.
        origins: The number each job had in the earlier plan, None for a new one.
        gone: How many jobs of the earlier plan are asked for no longer.
    """

    plan: StoredPlan
    origins: tuple[int | None, ...]
    gone: int = 0

    @property
    def same(self) -> bool:
        """Whether exactly the earlier plan is asked for again."""
        return not self.gone and all(origin == index for index, origin in enumerate(self.origins))

    def failures(self, earlier: Mapping[int, Failure]) -> dict[int, Failure]:
        """Return the earlier plan's failures by the numbers their jobs have now."""
        return {
            index: replace(earlier[origin], index=index)
            for index, origin in enumerate(self.origins)
            if origin is not None and origin in earlier
        }


def grown(asked: StoredPlan, before: StoredPlan | None) -> Grown:
    """Return what is asked for with what an earlier plan knew of it: seeds that were drawn, digests, batches."""
    if before is None:
        return Grown(plan=asked, origins=(None,) * len(asked.jobs))
    origins = tuple(_origins(asked.jobs, before.jobs))
    jobs = tuple(_carried(job, before, origin) for job, origin in zip(asked.jobs, origins, strict=True))
    plan = replace(asked, jobs=jobs, size=before.size, threads=before.threads, basis=before.basis)
    batches, guests = _with_guests(before, {o: index for index, o in enumerate(origins) if o is not None}, len(jobs))
    kept = sum(origin is not None for origin in origins)
    return Grown(plan=replace(plan, batches=batches, guests=guests), origins=origins, gone=len(before.jobs) - kept)


def rebuilt(asked: StoredPlan, entries: Iterable[LedgerEntry]) -> Grown:
    """Return what is asked for where the plan was lost, with the seeds that the pictures' lines still tell."""
    by_file = {entry.file.as_posix(): entry for entry in entries}
    found = [by_file.get(asked.file(index)) for index in range(len(asked.jobs))]
    jobs = tuple(
        job if entry is None or entry.name != job.name else replace(job, settings=entry.record.settings)
        for job, entry in zip(asked.jobs, found, strict=True)
    )
    threads = next((entry.record.threads for entry in by_file.values() if entry.record.threads), 0)
    return Grown(plan=replace(asked, jobs=jobs, threads=threads), origins=(None,) * len(jobs))


def placed_apart(plan: StoredPlan, changed: Iterable[int]) -> StoredPlan:
    """Return the plan with some jobs out of their batches, for they mean something else now."""
    out = set(changed)
    if not out:
        return plan
    here = {index: index for index in range(len(plan.jobs)) if index not in out}
    batches, guests = _with_guests(plan, here, len(plan.jobs))
    return replace(plan, batches=batches, guests=guests)


def numbered(plan: StoredPlan, kept: Mapping[int, int]) -> StoredPlan:
    """Return the plan with a number for every file: those of kept pictures, else the job's own place if it is free."""
    taken = set(kept.values())
    free = (number for number in _counting(len(plan.jobs)) if number not in taken)
    jobs = []
    for index, job in enumerate(plan.jobs):
        number = kept.get(index, index)
        if index not in kept and index in taken:
            number = next(free)
        jobs.append(replace(job, number=None if number == index else number))
    return replace(plan, jobs=tuple(jobs))


def _counting(start: int) -> Iterator[int]:
    while True:
        yield start
        start += 1


def _origins(asked: Sequence[StoredJob], before: Sequence[StoredJob]) -> Iterator[int | None]:
    """Yield the earlier job of each: one of the same words, by preference of the same name and in the same place."""
    found: dict[int, int] = {}
    keys: tuple[Callable[[StoredJob], object], ...] = (lambda job: (job.asked, job.name), lambda job: job.asked)
    for key in keys:
        found |= dict(_pairs(asked, before, found, key))
    yield from (found.get(index) for index in range(len(asked)))


def _pairs(
    asked: Sequence[StoredJob],
    before: Sequence[StoredJob],
    found: Mapping[int, int],
    key: Callable[[StoredJob], object],
) -> Iterator[tuple[int, int]]:
    """Yield further pairs of equal key, those in one place first, then in order."""
    claimed, left = set(found.values()), [index for index in range(len(asked)) if index not in found]
    here = {i for i in left if i < len(before) and i not in claimed and key(asked[i]) == key(before[i])}
    yield from ((index, index) for index in sorted(here))
    free: dict[object, deque[int]] = defaultdict(deque)
    for index, job in enumerate(before):
        if index not in claimed and index not in here:
            free[key(job)].append(index)
    for index in left:
        if index not in here and free[key(asked[index])]:
            yield index, free[key(asked[index])].popleft()


def _carried(job: StoredJob, before: StoredPlan, origin: int | None) -> StoredJob:
    if origin is None:
        return job
    earlier = before.jobs[origin]
    number = origin if earlier.number is None else earlier.number
    return replace(job, digest=earlier.digest, settings=earlier.settings, number=number)


def _with_guests(
    before: StoredPlan, now: Mapping[int, int], count: int
) -> tuple[tuple[Batch, ...], tuple[Settings, ...]]:
    """Return the batches that still hold a job, and the pictures that only keep their places in them."""
    guests: list[Settings] = []
    batches: list[Batch] = []
    for batch in before.batches:
        if not any(index in now for index in batch.jobs):
            continue
        members: list[int] = []
        for index in batch.jobs:
            if index in now:
                members.append(now[index])
            elif (settings := _settings(before, index)) is not None:
                members.append(count + len(guests))
                guests.append(settings)
        batches.append(replace(batch, jobs=tuple(members)))
    return tuple(batches), tuple(guests)


def _settings(plan: StoredPlan, index: int) -> Settings | None:
    return plan.jobs[index].settings if index < len(plan.jobs) else plan.guests[index - len(plan.jobs)]
