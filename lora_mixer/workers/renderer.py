"""A worker's side of a run: the model open once, questions answered, tasks rendered. The only file here with torch."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from lora_mixer.errors import CancelledError, FileError, LoraMixerError, RenderError
from lora_mixer.images import save_picture
from lora_mixer.ledger.digest import basis_of, digest_of, job_digest
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.ledger import LedgerEntry, digest_of_file
from lora_mixer.ledger.plan_file import Batch, StoredJob
from lora_mixer.ledger.writer import part_of
from lora_mixer.mixer import BaseMixer, Progress, RenderedImage
from lora_mixer.mixer.progress import OnProgress
from lora_mixer.models import using_threads
from lora_mixer.render_options import RenderOptions
from lora_mixer.workers.executor import (
    Finished,
    Heartbeat,
    MixerOptions,
    Resolution,
    ResolveQuery,
    RunJob,
    Task,
)
from lora_mixer.workers.job_cache import JobCache


def open_mixer(setup: MixerOptions, *, rank: int = 0) -> BaseMixer:
    """Open the model as the setup says; where there are several GPUs and none is named, workers take them in turn.

    Raises:
        LoraMixerError: What `Mixer.open` raises.
    """
    device = setup.device
    if device in {None, "cuda"} and torch.cuda.device_count() > 1:
        device = f"cuda:{rank % torch.cuda.device_count()}"
    return BaseMixer.open(
        setup.model,
        models_file=setup.models_file,
        device=device,
        dtype=setup.dtype,
        allow_partial=setup.allow_partial,
        engine=setup.engine,
        offload=setup.offload,
        merge_cache_mb=setup.merge_cache_mb,
    )


class Renderer:
    """Answers questions about a plan and renders its tasks with one open model.

    Args:
        mixer: What renders.
        on_progress: Called after every step.
    """

    def __init__(self, mixer: BaseMixer, *, on_progress: OnProgress | None = None) -> None:
        self._mixer = mixer
        self._on_progress = on_progress
        self._jobs = JobCache(mixer.resolve)

    def forget(self) -> None:
        """Resolve every request anew: another run begins."""
        self._jobs = JobCache(self._mixer.resolve)

    def answer(self, query: ResolveQuery) -> Resolution:
        """Return what each job comes to, or why it cannot be; of groups, how their mixes are applied."""
        basis: dict[str, str] = {}
        return Resolution(
            jobs=() if query.groups else tuple(self._resolved(job, basis) for job in query.jobs),
            basis=basis,
            batches=tuple(self._batches(query)),
            threads=self._threads,
            notes=tuple(f"embedding left out: {sentence}" for sentence in self._mixer.broken_embeddings),
        )

    @property
    def _threads(self) -> int:
        """How many threads a picture of the current model would be computed with, were this worker alone."""
        return self._mixer.loaded.defaults.threads or torch.get_num_threads()

    def render(self, task: Task, heartbeat: Heartbeat) -> Finished:
        """Render a task and write its pictures; a batch that fails is rendered picture by picture.

        Raises:
            CancelledError: The watch said so.
        """
        try:
            pictures = self._pictures(task, heartbeat)
            return _written(task, pictures)
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 one job's bug must not cost the others their pictures
            if len(task.jobs) > 1:
                return self._one_by_one(task, heartbeat)
            return Finished(failures=(_failure(error, task.jobs[0].index),))

    def _one_by_one(self, task: Task, heartbeat: Heartbeat) -> Finished:
        done = Finished()
        for job in task.wanted:
            if done.stopped is None:
                one = self.render(replace(task, jobs=(job,)), heartbeat)
                done = Finished(
                    entries=done.entries + one.entries, failures=done.failures + one.failures, stopped=one.stopped
                )
        return done

    def _pictures(self, task: Task, heartbeat: Heartbeat) -> Sequence[RenderedImage]:
        def told(progress: Progress) -> None:
            heartbeat(progress.batch * progress.step / progress.steps)
            if self._on_progress is not None:
                self._on_progress(progress)

        options = RenderOptions(engine=task.engine, batch=len(task.jobs), threads=task.threads)
        jobs = [self._jobs.of(job.request) for job in task.jobs]
        return list(self._mixer.render_jobs(jobs, options, on_progress=told))

    def _resolved(self, asked: RunJob, basis: dict[str, str]) -> StoredJob | Failure:
        """Return what the plan is to say of a job, and add what its picture is made from."""
        assert asked.stored is not None
        try:
            job = self._jobs.of(asked.request)
            made_from = basis_of(self._mixer.inputs_of(job))
        except CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 likewise
            return _failure(error, asked.index)
        basis |= made_from
        return replace(asked.stored, settings=job.settings, digest=job_digest(job.settings, made_from))

    def _batches(self, query: ResolveQuery) -> Iterator[Batch]:
        """Yield the groups as batches, their engines chosen at the number of threads they will be rendered with."""
        with using_threads(query.threads or self._threads):
            requests = {job.index: job.request for job in query.jobs}
            for group in query.groups:
                plan = self._mixer.plan([self._jobs.of(requests[index]) for index in group])
                yield Batch(jobs=group, engine=plan.engine, reason=plan.reason)


def _failure(error: Exception, index: int) -> Failure:
    """Return an error as a failure; one that is none of ours is a mistake of this program, or of a library."""
    if isinstance(error, LoraMixerError):
        return Failure.of(error, index)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return Failure(
        index=index,
        error=RenderError.__name__,
        what=f"an unexpected {type(error).__name__}: {error}",
        where=f"{Path(place.filename).name}:{place.lineno}",
        remedy="This is a bug; the other pictures are not touched by it. Please report it with this line.",
    )


def _written(task: Task, pictures: Sequence[RenderedImage]) -> Finished:
    entries: list[LedgerEntry] = []
    failures: list[Failure] = []
    for job, picture in zip(task.jobs, pictures, strict=True):
        if job.file is None or job.stored is None:
            continue
        record = replace(picture.record, engine_reason=task.reason)
        if digest_of(record) != job.stored.digest:
            failures.append(Failure.of(_not_the_same(), job.index))
            continue
        path = part_of(task.folder / job.file, task.token)
        try:
            save_picture(picture.image, record, path)
        except FileError as error:
            return Finished(entries=tuple(entries), failures=tuple(failures), stopped=Failure.of(error))
        entries.append(
            LedgerEntry(
                index=job.index,
                file=Path(job.file),
                name=job.stored.name,
                digest=job.stored.digest,
                sha256=digest_of_file(path) or "",
                seconds=round(record.seconds, 4),
                record=record,
            )
        )
    return Finished(entries=tuple(entries), failures=tuple(failures))


def _not_the_same() -> RenderError:
    return RenderError(
        "the worker has another model, LoRA or version than the plan was made with",
        remedy="Give every worker the same files and packages, then use --retry-failed.",
    )
