"""Render jobs in batches, and yield their pictures as they finish or in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from lora_mixer.cancel import Cancel
from lora_mixer.errors import ChangedFileError, RenderError
from lora_mixer.mixer.model_cache import ModelCache
from lora_mixer.mixer.oom_splitter import OomSplitter, Outcome
from lora_mixer.mixer.places import probed
from lora_mixer.mixer.planning import IndexedJob, in_batches
from lora_mixer.mixer.progress import OnProgress
from lora_mixer.mixer.reporter import ProgressReporter
from lora_mixer.mixer.turn import Turn
from lora_mixer.pipeline import Job, RenderedImage, render
from lora_mixer.render_options import RenderOptions
from lora_mixer.request import ModelSource, RenderRequest

OnFailure = Callable[[int, RenderError], None]


def resolved(
    requests: Sequence[RenderRequest],
    source_of: Callable[[str | None], ModelSource],
    job_of: Callable[[RenderRequest, ModelSource], Job],
) -> list[Job]:
    """Resolve requests into jobs, in order.

    Resolving opens the model. The first model's requests are resolved last, since they are rendered first.
    """
    by_model: dict[ModelSource, list[int]] = defaultdict(list)
    for index, request in enumerate(requests):
        by_model[source_of(request.model)].append(index)
    jobs = {index: job_of(requests[index], source) for source in reversed(by_model) for index in by_model[source]}
    return [jobs[index] for index in range(len(requests))]


class Rendering:
    """Renders jobs.

    Args:
        cache: The open models.
        turn: Held while a batch is rendered.
        options: How.
        on_progress: Called after every step.
        cancel: Stops within one step when pressed.
    """

    def __init__(
        self,
        cache: ModelCache,
        turn: Turn,
        options: RenderOptions,
        *,
        on_progress: OnProgress | None,
        cancel: Cancel | None,
    ) -> None:
        self.cache = cache
        self._turn = turn
        self._options = options
        self._on_progress = on_progress
        self._cancel = cancel

    def outcomes(self, jobs: Sequence[Job], current: ModelSource) -> Iterator[tuple[int, Outcome]]:
        """Yield each job's index and outcome, model by model in order of first use.

        Args:
            jobs: What to render.
            current: The model for jobs that name none.
        """
        done, by_model = 0, defaultdict[ModelSource, list[IndexedJob]](list)
        for index, job in enumerate(jobs):
            by_model[job.source or current].append((index, job))
        for source, placed in by_model.items():
            frugal = OomSplitter(self._options.batch)
            for group in in_batches(placed, self._options.batch):
                reporter = ProgressReporter(
                    on_progress=self._on_progress,
                    cancel=self._cancel,
                    before=done,
                    total=len(jobs),
                    turn=self._turn,
                )
                outcomes = frugal.outcomes([job for _, job in group], partial(self._drawn, source, reporter))
                done += len(group)
                yield from zip([index for index, _ in group], outcomes, strict=True)

    def _drawn(
        self, source: ModelSource, reporter: ProgressReporter, jobs: Sequence[Job], done: int
    ) -> Sequence[RenderedImage]:
        """Render one batch."""
        finished = []
        with self._turn:
            reporter.check()
            session = self.cache.take(source)
            loaded = session.loaded
            try:
                jobs = [probed(session, job, self._options, reporter.check) for job in jobs]
                with closing(render(loaded, jobs, self._options, clock=reporter.watch)) as events:
                    for event in events:
                        if isinstance(event, RenderedImage):
                            finished.append(event)
                        else:
                            reporter.report(loaded, event, done, len(jobs))
            except ChangedFileError as error:
                self.cache.forget(source, Path(error.where or ""))
                raise
        return finished


def report_failures(
    outcomes: Iterable[tuple[int, Outcome]], on_failure: OnFailure | None
) -> Iterator[tuple[int, RenderedImage | None]]:
    """Yield each picture with its index; for a failed one report the error to `on_failure` and yield None.

    Raises:
        RenderError: One failed, and `on_failure` is None.
    """
    for index, outcome in outcomes:
        if not isinstance(outcome, RenderError):
            yield index, outcome
        elif on_failure is None:
            raise outcome
        else:
            on_failure(index, outcome)
            yield index, None


def in_order(pictures: Iterable[tuple[int, RenderedImage | None]]) -> Iterator[RenderedImage]:
    """Yield the pictures in order, each as soon as all earlier ones are done or failed."""
    waiting: dict[int, RenderedImage | None] = {}
    due = 0
    for index, picture in pictures:
        waiting[index] = picture
        while due in waiting:
            ready = waiting.pop(due)
            due += 1
            if ready is not None:
                yield ready
