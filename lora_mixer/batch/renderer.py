"""A worker's side of a run: the model open once, questions answered, tasks rendered. The only file here with torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from lora_mixer.apply import ApplyPlan
from lora_mixer.batch.crew import Answers, Finished, Known, Questions, Setup, Task, TaskJob, Watch
from lora_mixer.batch.digest import basis_of, digest_of
from lora_mixer.batch.failure import Failure
from lora_mixer.batch.ledger import PICTURES, Entry, digest_of_file
from lora_mixer.batch.ledger_writer import part_of
from lora_mixer.batch.order import order
from lora_mixer.batch.stored import Batch
from lora_mixer.errors import CancelledError, FileError, LoraMixerError, RenderError
from lora_mixer.images import RenderRecord, save_picture
from lora_mixer.mixer import Mixer, Progress, RenderedImage
from lora_mixer.models import using_threads
from lora_mixer.pipeline import record_of
from lora_mixer.request import RenderRequest, Settings


def open_mixer(setup: Setup, *, rank: int = 0) -> Mixer:
    """Open the model as the setup says; where there are several GPUs and none is named, workers take them in turn.

    Raises:
        LoraMixerError: What `Mixer.open` raises.
    """
    device = setup.device
    if device in {None, "cuda"} and torch.cuda.device_count() > 1:
        device = f"cuda:{rank % torch.cuda.device_count()}"
    return Mixer.open(
        setup.model,
        models_file=setup.models_file,
        device=device,
        dtype=setup.dtype,
        allow_partial=setup.allow_partial,
        engine=setup.engine,
        offload=setup.offload,
    )


class Renderer:
    """Answers questions about a plan and renders its tasks with one open model."""

    def __init__(self, mixer: Mixer) -> None:
        self._mixer = mixer

    def answer(self, questions: Questions) -> Answers:
        """Return what each request comes to, or why it cannot be, and the batches of those that stand in none."""
        known: dict[int, Known | Failure] = {}
        for index in _by_model(questions.requests):  # checking a request takes its model open
            known[index] = self._known(questions.requests[index], index)
        settings = {i: answer.settings for i in questions.unplaced if isinstance(answer := known[i], Known)}
        return Answers(
            jobs=tuple(known[index] for index in range(len(known))),
            batches=tuple(self._batches(questions, settings)),
            threads=self._threads,
            notes=tuple(f"embedding left out: {sentence}" for sentence in self._mixer.broken_embeddings),
        )

    @property
    def _threads(self) -> int:
        """How many threads a picture of the current model would be computed with, were this worker alone."""
        return self._mixer.desk.threads or torch.get_num_threads()

    def render(self, task: Task, watch: Watch) -> Finished:
        """Render a task and write its pictures; a batch that fails is rendered picture by picture.

        Raises:
            CancelledError: The watch said so.
        """
        try:
            pictures = self._pictures(task, watch)
        except CancelledError:
            raise
        except LoraMixerError as error:
            if len(task.jobs) > 1:
                return self._one_by_one(task, watch)
            return Finished(failures=(Failure.of(error, task.jobs[0].index),))
        return _written(task, pictures)

    def _one_by_one(self, task: Task, watch: Watch) -> Finished:
        done = Finished()
        for job in task.jobs:
            if job.wanted and done.stopped is None:
                one = self.render(replace(task, jobs=(job,)), watch)
                done = Finished(
                    entries=done.entries + one.entries, failures=done.failures + one.failures, stopped=one.stopped
                )
        return done

    def _pictures(self, task: Task, watch: Watch) -> Sequence[RenderedImage]:
        def told(progress: Progress) -> None:
            watch(progress.batch * progress.step / progress.steps)

        with self._as_planned(task):
            requests = [job.request for job in task.jobs]
            return list(self._mixer.render_many(requests, batch=len(requests), on_progress=told))

    @contextmanager
    def _as_planned(self, task: Task) -> Iterator[None]:
        """Use the plan's engine and number of threads."""
        desk = self._mixer.desk_of(task.jobs[0].request)
        wanted, threads = desk.wanted, desk.threads
        desk.wanted, desk.threads = task.engine, task.threads
        try:
            yield
        finally:
            desk.wanted, desk.threads = wanted, threads

    def _known(self, request: RenderRequest, index: int) -> Known | Failure:
        try:
            job = self._mixer.job(request)
            desk = self._mixer.desk_of(request)
        except LoraMixerError as error:
            return Failure.of(error, index)
        record = record_of(desk, [job], 0, plan=ApplyPlan(engine="", reason="not planned yet"), seconds=0.0)
        return Known(settings=job.settings, digest=digest_of(record), basis=basis_of(record))

    def _batches(self, questions: Questions, settings: Mapping[int, Settings]) -> Iterator[Batch]:
        """Yield the batches of some pictures, their engines chosen at the number of threads they will be rendered with."""
        numbers = list(settings)
        with using_threads(questions.threads or max(1, self._threads // questions.sharing)):
            for group in order(list(settings.values()), batch=questions.size):
                yield self._batch([numbers[at] for at in group], questions.requests)

    def _batch(self, numbers: Sequence[int], requests: Sequence[RenderRequest]) -> Batch:
        jobs = [self._mixer.job(requests[number]) for number in numbers]
        plan = self._mixer.desk_of(requests[numbers[0]]).plan(jobs)
        return Batch(jobs=tuple(numbers), engine=plan.engine, reason=plan.reason)


def _by_model(requests: Sequence[RenderRequest]) -> list[int]:
    """Return the numbers of the requests, those of one model together, the models as they first appear."""
    first = {model: place for place, model in reversed(list(enumerate(request.model for request in requests)))}
    return sorted(range(len(requests)), key=lambda index: first[requests[index].model])


def _written(task: Task, pictures: Sequence[RenderedImage]) -> Finished:
    entries: list[Entry] = []
    failures: list[Failure] = []
    for job, picture in zip(task.jobs, pictures, strict=True):
        record = replace(picture.record, engine_reason=task.reason)
        if not job.wanted:
            continue
        if digest_of(record) != job.digest:
            failures.append(Failure.of(_not_the_same(), job.index))
            continue
        try:
            entries.append(_saved(task, job, picture, record))
        except FileError as error:
            return Finished(entries=tuple(entries), failures=tuple(failures), stopped=Failure.of(error))
    return Finished(entries=tuple(entries), failures=tuple(failures))


def _saved(task: Task, job: TaskJob, picture: RenderedImage, record: RenderRecord) -> Entry:
    file = f"{PICTURES}/{job.index:04}.png"
    path = save_picture(picture.image, record, part_of(task.folder / file, task.token))
    return Entry(
        index=job.index,
        file=Path(file),
        name=job.name,
        digest=job.digest,
        sha256=digest_of_file(path) or "",
        seconds=round(record.seconds, 4),
        record=record,
    )


def _not_the_same() -> RenderError:
    return RenderError(
        "the worker has another model, LoRA or version than the plan was made with",
        remedy="Give every worker the same files and packages, then use --retry-failed.",
    )
