"""A prompt file settled into a plan: gaps filled, seeds drawn once and kept, batches laid out once and kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from lora_mixer.batch.crew import Answers, Crew, Known, Questions, Watch
from lora_mixer.batch.failure import Failure
from lora_mixer.batch.plan import PromptFile
from lora_mixer.batch.stored import StoredJob, StoredPlan
from lora_mixer.request import RenderRequest, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A plan whose jobs are known.

    Attributes:
        plan: The plan as it is kept in the folder.
        basis: What its pictures would be made from now.
        now: Its jobs as they would come out now.
        requests: What to render, seeds included.
        failures: Jobs that cannot be made, of those that were asked about anew.
        notes: What the user should be told.
    """

    plan: StoredPlan
    basis: dict[str, str]
    now: tuple[StoredJob, ...]
    requests: tuple[RenderRequest, ...]
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]


def settle(
    file: PromptFile, plan: StoredPlan, crew: Crew, *, given_up: Collection[int], threads: int | None, watch: Watch
) -> Settled:
    """Ask a worker what the jobs of a plan come to.

    Args:
        file: The prompt file.
        plan: The plan as the folder has it, or a new one.
        crew: Who answers.
        given_up: Numbers of jobs that failed and are to be left alone.
        threads: CPU threads of each worker, if somebody asked for a number.
        watch: Called while waiting.

    Raises:
        LoraMixerError: The model cannot be opened.
    """
    asked = tuple(_as_drawn(job.request, stored.settings) for job, stored in zip(file.jobs, plan.jobs, strict=True))
    unplaced = tuple(i for i, job in enumerate(plan.jobs) if job.digest is None and i not in given_up)
    questions = Questions(requests=asked, unplaced=unplaced, size=plan.size, threads=plan.threads or threads)
    answers = crew.ask(questions, watch)
    now = tuple(_answered(job, answer) for job, answer in zip(plan.jobs, answers.jobs, strict=True))
    kept = tuple(now[i] if i in set(unplaced) else job for i, job in enumerate(plan.jobs))
    settled = replace(
        plan,
        jobs=kept,
        batches=plan.batches + answers.batches,
        basis=_basis(answers) | dict(plan.basis),
        threads=plan.threads or threads or crew.share(answers.threads),
    )
    return Settled(
        plan=settled,
        basis=_basis(answers),
        now=now,
        requests=tuple(_as_drawn(request, job.settings) for request, job in zip(asked, now, strict=True)),
        failures=tuple(_placed(answers, plan, unplaced)),
        notes=answers.notes,
    )


def at_line(failure: Failure, plan: StoredPlan) -> Failure:
    """Return the failure with its job's line in the prompt file."""
    place = f"{plan.source}:{plan.jobs[failure.index].line}"
    return replace(failure, where=f"{place}: {failure.where}" if failure.where else place)


def _placed(answers: Answers, plan: StoredPlan, unplaced: Iterable[int]) -> Iterable[Failure]:
    for index in unplaced:
        answer = answers.jobs[index]
        if isinstance(answer, Failure):
            yield at_line(answer, plan)


def _answered(job: StoredJob, answer: Known | Failure) -> StoredJob:
    if isinstance(answer, Failure):
        return replace(job, digest=None)
    return replace(job, digest=answer.digest, settings=answer.settings)


def _as_drawn(request: RenderRequest, settings: Settings | None) -> RenderRequest:
    """Return the request with the seeds that were drawn for it."""
    return request if settings is None else replace(request, seed=settings.seed, subseed=settings.subseed)


def _basis(answers: Answers) -> dict[str, str]:
    return {role: digest for job in answers.jobs if isinstance(job, Known) for role, digest in job.basis.items()}
