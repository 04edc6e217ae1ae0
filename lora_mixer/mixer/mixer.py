"""`BaseMixer`: render pictures, one, many, or as a sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Unpack

from lora_mixer.cancel import Cancel
from lora_mixer.mixer.asked import as_request, as_requests
from lora_mixer.mixer.batches import OnFailure, Rendering, in_order, report_failures
from lora_mixer.mixer.job_resolver import JobResolver
from lora_mixer.mixer.oom_splitter import Outcome
from lora_mixer.mixer.options import RequestOptions
from lora_mixer.mixer.progress import OnProgress
from lora_mixer.mixer.render_job import RenderJob
from lora_mixer.mixer.sweeping import Strengths, sweep_of
from lora_mixer.pipeline import Job, RenderedImage
from lora_mixer.render_options import RenderOptions
from lora_mixer.request import RenderRequest
from lora_mixer.sheet import Sheet


class BaseMixer(JobResolver):
    """Models with their LoRAs, ready to render; the public `Mixer` adds runs into folders. Calls from several threads take turns.

    >>> mixer = BaseMixer.open()
    >>> [use.image.size == mixer.native_size for use in mixer.render_many(["cat", "sun"], steps=1, upscale=1)]
    [True, True]
    """

    def render(
        self,
        request: RenderRequest | str,
        *,
        options: RenderOptions | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
        **fields: Unpack[RequestOptions],
    ) -> RenderedImage:
        """Render one picture.

        Args:
            request: A request, or just its prompt.
            options: Engine, threads and tiling; by default as the mixer was opened.
            on_progress: Called after every step.
            cancel: Press it to stop within one step.
            fields: Fields of `RenderRequest` (steps, seed, loras, ...) that replace the request's.

        Raises:
            LoraMixerError: See `lora_mixer.errors`.
        """
        return next(self.render_many([request], options=options, on_progress=on_progress, cancel=cancel, **fields))

    def render_many(
        self,
        requests: Iterable[RenderRequest | str],
        *,
        batch: int | None = None,
        options: RenderOptions | None = None,
        on_progress: OnProgress | None = None,
        on_failure: OnFailure | None = None,
        cancel: Cancel | None = None,
        **fields: Unpack[RequestOptions],
    ) -> Iterator[RenderedImage]:
        """Render many pictures and yield them in order, each as soon as it is done.

        Neighbours that share model, size, steps and sampler are rendered together, up to `batch` at a time; each may
        have its own prompt, seed, cfg and mix, and comes out as if rendered alone. With several models, pictures are
        rendered model by model, and those that finish early are held back.

        Args:
            requests: Requests, or just prompts.
            batch: Pictures per batch; by default as `options` say.
            options: Engine, batch, threads and tiling; by default as the mixer was opened, 4 at once.
            on_progress: Called after every step of every batch.
            on_failure: Called with the index and the error of a picture that failed while rendering; the others are still
                rendered. If None, the first failure is raised.
            cancel: Press it to stop within one step.
            fields: Fields of `RenderRequest` that replace those of every request.

        If memory runs out, the batch is halved and retried; a picture that does not fit alone fails.

        Raises:
            LoraMixerError: See `lora_mixer.errors`; all requests are checked before the first picture.
        """
        chosen = _chosen(options, batch)
        return in_order(self._pictures(requests, chosen, on_progress, on_failure, cancel, fields))

    def render_jobs(
        self,
        jobs: Iterable[Job],
        options: RenderOptions | None = None,
        *,
        on_progress: OnProgress | None = None,
        on_failure: OnFailure | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[RenderedImage]:
        """Render jobs made by `resolve`, as `render_many` does, without resolving anything again.

        Args:
            jobs: Jobs of this mixer's models.
            options: How they are computed.
            on_progress: Called after every step of every batch.
            on_failure: Called with the index and the error of a picture that failed.
            cancel: Press it to stop within one step.

        Raises:
            ChangedFileError: A file behind a picture changed after the job was resolved.
            LoraMixerError: Anything else that rendering raises.
        """
        chosen = options or RenderOptions()
        return in_order(report_failures(self._outcomes(list(jobs), chosen, on_progress, cancel), on_failure))

    def submit(
        self,
        requests: Iterable[RenderRequest | str],
        *,
        batch: int | None = None,
        options: RenderOptions | None = None,
        **fields: Unpack[RequestOptions],
    ) -> RenderJob:
        """Do what `render_many` does, in its own thread, starting at once.

        Returns:
            A handle with progress, cancel, results, and the pictures as they finish, also in asyncio.
        """
        render = partial(self.render_many, requests, batch=batch, options=options, **fields)
        return RenderJob(lambda on_progress, cancel: render(on_progress=on_progress, cancel=cancel))

    async def stream(
        self,
        requests: Iterable[RenderRequest | str],
        *,
        batch: int | None = None,
        options: RenderOptions | None = None,
        **fields: Unpack[RequestOptions],
    ) -> AsyncIterator[RenderedImage]:
        """Do what `render_many` does without blocking the event loop; leaving the loop stops the rendering.

        Raises:
            LoraMixerError: See `render_many`.
        """
        job = self.submit(requests, batch=batch, options=options, **fields)
        try:
            async for picture in job:
                yield picture
        finally:
            job.cancel()

    def render_as_done(
        self,
        requests: Iterable[RenderRequest | str],
        *,
        batch: int | None = None,
        options: RenderOptions | None = None,
        on_progress: OnProgress | None = None,
        on_failure: OnFailure | None = None,
        cancel: Cancel | None = None,
        **fields: Unpack[RequestOptions],
    ) -> Iterator[tuple[int, RenderedImage]]:
        """Do what `render_many` does, but yield (index, picture) as pictures finish, model by model.

        Raises:
            LoraMixerError: See `render_many`.
        """
        for index, picture in self._pictures(
            requests, _chosen(options, batch), on_progress, on_failure, cancel, fields
        ):
            if picture is not None:
                yield index, picture

    def sweep(
        self,
        request: RenderRequest | str,
        strengths: Strengths,
        *,
        seeds: Iterable[int] | None = None,
        batch: int | None = None,
        options: RenderOptions | None = None,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
        **fields: Unpack[RequestOptions],
    ) -> Sheet:
        """Render one prompt under every combination of LoRA strengths, as a labelled grid.

        The first LoRA varies along the columns, all others and the seeds along the rows. The cells are the rendered
        images, each with its record.

        Args:
            request: A request, or just its prompt.
            strengths: Strengths for each LoRA, such as `{"line_art": [0, 0.5, 1], "night_sky": [0, 1]}`.
            seeds: Several seeds; by default the request's own.
            batch: Pictures per batch; by default as `options` say.
            options: Engine, batch, threads and tiling; by default as the mixer was opened, 4 at once.
            on_progress: Called after every step of every batch.
            cancel: Press it to stop within one step.
            fields: Fields of `RenderRequest` that replace the request's; `loras` act in every picture.

        Raises:
            LoraMixerError: See `render_many`.
        """
        sweep = sweep_of(as_request(request, fields), strengths, seeds)
        pictures = self.render_many(
            sweep.requests, batch=batch, options=options, on_progress=on_progress, cancel=cancel
        )
        return replace(Sheet.of(pictures, columns=len(sweep.labels.columns)), labels=sweep.labels)

    def _pictures(
        self,
        requests: Iterable[RenderRequest | str],
        options: RenderOptions,
        on_progress: OnProgress | None,
        on_failure: OnFailure | None,
        cancel: Cancel | None,
        fields: RequestOptions,
    ) -> Iterator[tuple[int, RenderedImage | None]]:
        jobs = self._resolved(as_requests(requests, fields))
        yield from report_failures(self._outcomes(jobs, options, on_progress, cancel), on_failure)

    def _outcomes(
        self, jobs: Sequence[Job], options: RenderOptions, on_progress: OnProgress | None, cancel: Cancel | None
    ) -> Iterator[tuple[int, Outcome]]:
        rendering = Rendering(self.cache, self._turn, options, on_progress=on_progress, cancel=cancel)
        return rendering.outcomes(jobs, self._current)


def _chosen(options: RenderOptions | None, batch: int | None) -> RenderOptions:
    """Return the options of a call, with its batch size."""
    chosen = options or RenderOptions()
    return chosen if batch is None else replace(chosen, batch=batch)
