"""`RenderJob`: pictures rendered in their own thread, with progress, cancel, results and async iteration."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, Unpack

from lora_mixer.cancel import Cancel
from lora_mixer.errors import RenderError
from lora_mixer.mixer.background import Background
from lora_mixer.mixer.options import RequestOptions
from lora_mixer.mixer.progress import OnProgress, Progress
from lora_mixer.pipeline import RenderedImage

if TYPE_CHECKING:
    from lora_mixer.request import RenderRequest

Start = Callable[[OnProgress, Cancel], Iterable[RenderedImage]]
"""Starts rendering with a progress callback and a cancel switch; returns the pictures as they finish."""


class _RendersMany(Protocol):
    def render_many(
        self,
        requests: Iterable[RenderRequest | str],
        *,
        batch: int = 4,
        on_progress: OnProgress | None = None,
        cancel: Cancel | None = None,
        **options: Unpack[RequestOptions],
    ) -> Iterator[RenderedImage]: ...


class RenderJob(Background[RenderedImage, Progress]):
    """A handle on pictures being rendered, started at once. `Mixer.submit` makes one.

    Several readers may follow one job, blocking (`for picture in job`) or not (`async for picture in job`); each gets
    every picture, in order, as soon as it is done. Leaving it as a context manager, or Python's exit, cancels the job.

    Args:
        start: Called in the job's thread with the progress callback and the cancel switch; returns the
            pictures. A mixer in its place, with `requests`, is how release 0.1 spelled `mixer.submit(requests)`.
        requests: With a mixer only.
        batch: With a mixer only.
        options: With a mixer only.

    >>> from lora_mixer import Mixer
    >>> mixer = Mixer.open()
    >>> with mixer.submit(["cat", "sun"], seed=7, steps=1) as job:
    ...     [picture.record.settings.prompt for picture in job]
    ['cat', 'sun']
    """

    def __init__(
        self,
        start: Start | _RendersMany,
        requests: Iterable[RenderRequest | str] | None = None,
        *,
        batch: int = 4,
        **options: Unpack[RequestOptions],
    ) -> None:
        super().__init__(start if callable(start) else _of_mixer(start, requests or (), batch, options))

    @property
    def progress(self) -> Progress | None:
        """The newest progress; None before the first step."""
        return self.news

    @property
    def pictures(self) -> tuple[RenderedImage, ...]:
        """The pictures that are finished."""
        return self.items

    def result(self, timeout: float | None = None) -> tuple[RenderedImage, ...]:
        """Wait for the end and return all pictures.

        Args:
            timeout: Seconds to wait at most.

        Raises:
            CancelledError: It was cancelled.
            RenderError: The time is up; the job continues.
            LoraMixerError: What rendering raised.
        """
        if not self.wait(timeout):
            raise RenderError(
                f"{len(self.items)} pictures are done after {timeout:g} s, not all",
                remedy="Wait longer, or cancel the job.",
            )
        return self.items


def _of_mixer(
    mixer: _RendersMany, requests: Iterable[RenderRequest | str], batch: int, options: RequestOptions
) -> Start:
    warnings.warn("RenderJob(mixer, requests) is called mixer.submit(requests) now", DeprecationWarning, stacklevel=3)
    render = partial(mixer.render_many, requests, batch=batch, **options)
    return lambda on_progress, cancel: render(on_progress=on_progress, cancel=cancel)
