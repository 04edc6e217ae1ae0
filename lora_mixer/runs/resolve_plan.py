"""Resolve every job of a plan: defaults, seeds, digest; then lay out its batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.plan_file import Batch, StoredJob, StoredPlan
from lora_mixer.request import RenderRequest, Settings
from lora_mixer.runs.batching import plan_batches
from lora_mixer.workers.executor import Executor, Heartbeat, Resolution, ResolveQuery, RunJob

_Thing = TypeVar("_Thing")

AT_ONCE = 128
"""Jobs that a worker is asked about in one message: some tenths of a second's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedPlan:
    """What was found out about the jobs of a plan.

    Attributes:
        jobs: The jobs, settings and digests filled in; those that were not asked about are as they were.
        basis: What the pictures would be made from now, by role.
        failures: Jobs that cannot be made, by number.
        threads: How many CPU threads a worker would use if it were alone; 0 if nothing was asked.
        notes: What the user should be told.
    """

    jobs: tuple[StoredJob, ...]
    basis: dict[str, str]
    failures: Mapping[int, Failure] = field(default_factory=dict)
    threads: int = 0
    notes: tuple[str, ...] = ()


def requests_of(jobs: Sequence[StoredJob], requests: Iterable[RenderRequest]) -> tuple[RenderRequest, ...]:
    """Return requests with the seeds that were drawn for their jobs."""
    return tuple(_as_drawn(request, job.settings) for job, request in zip(jobs, requests, strict=True))


def resolve_plan(
    plan: StoredPlan,
    requests: Sequence[RenderRequest],
    executor: Executor,
    *,
    known: Collection[int],
    heartbeat: Heartbeat,
    on_planned: Callable[[int], None],
) -> ResolvedPlan:
    """Resolve every job: defaults, seeds, digest.

    Args:
        plan: The plan, with what an earlier one knew of it.
        requests: What to render, with the seeds that were drawn already.
        executor: Who answers.
        known: Numbers of jobs that are known to fail; they are not asked about.
        heartbeat: Called while waiting.
        on_planned: Called with how many jobs are known so far.

    Raises:
        LoraMixerError: The model cannot be opened.
    """
    jobs, failures = list(plan.jobs), dict[int, Failure]()
    basis: dict[str, str] = {}
    answers, done = Resolution(), len(known)
    left = [index for index in _by_model(requests) if index not in known]
    for chunk in _chunks(left, AT_ONCE):
        answers = executor.resolve(ResolveQuery(jobs=_asked(plan, requests, chunk)), heartbeat)
        for index, answer in zip(chunk, answers.jobs, strict=True):
            if isinstance(answer, Failure):
                failures[index] = answer
            else:
                jobs[index] = answer
        basis |= answers.basis
        done += len(chunk)
        on_planned(done)
    return ResolvedPlan(
        jobs=tuple(jobs),
        basis=basis,
        failures=dict(sorted(failures.items())),
        threads=answers.threads,
        notes=answers.notes,
    )


def laid_out(
    plan: StoredPlan,
    requests: Sequence[RenderRequest],
    executor: Executor,
    groups: Iterable[Sequence[int]],
    heartbeat: Heartbeat,
) -> StoredPlan:
    """Return the plan with batches for jobs that stand in none.

    Args:
        plan: The plan, every job known.
        requests: What to render.
        executor: Who says how mixes are applied.
        groups: Numbers of jobs; those of different groups share no batch.
        heartbeat: Called while waiting.
    """
    batches = [batch for group in groups for batch in _ordered(plan, group)]
    made: list[Batch] = []
    for some in _chunks(batches, max(1, AT_ONCE // plan.size)):
        members = [index for batch in some for index in batch]
        asked = _asked(plan, requests, members)
        query = ResolveQuery(jobs=asked, groups=tuple(map(tuple, some)), threads=plan.threads or None)
        made += executor.resolve(query, heartbeat).batches
    return replace(plan, batches=(*plan.batches, *made))


def _ordered(plan: StoredPlan, group: Sequence[int]) -> Iterator[Sequence[int]]:
    settings = {index: found for index in group if (found := plan.jobs[index].settings) is not None}
    numbers = list(settings)
    for batch in plan_batches(list(settings.values()), batch=plan.size):
        yield [numbers[at] for at in batch]


def _by_model(requests: Sequence[RenderRequest]) -> list[int]:
    """Return the numbers of the requests, those of one model together, for checking a request takes its model open."""
    first = {model: place for place, model in reversed(list(enumerate(request.model for request in requests)))}
    return sorted(range(len(requests)), key=lambda index: first[requests[index].model])


def _chunks(things: Sequence[_Thing], size: int) -> Iterator[Sequence[_Thing]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]


def _asked(plan: StoredPlan, requests: Sequence[RenderRequest], numbers: Iterable[int]) -> tuple[RunJob, ...]:
    return tuple(RunJob(index=index, request=requests[index], stored=plan.jobs[index]) for index in numbers)


def _as_drawn(request: RenderRequest, settings: Settings | None) -> RenderRequest:
    """Return the request with the seeds that were drawn for it."""
    return request if settings is None else replace(request, seed=settings.seed, subseed=settings.subseed)
