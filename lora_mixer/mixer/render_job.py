"""`RenderJob`: pictures that are rendered in a thread of their own, with progress, cancel, results and async iteration."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Self, Unpack

from lora_mixer.errors import RenderError
from lora_mixer.mixer.options import RequestOptions
from lora_mixer.mixer.progress import Cancel, Progress
from lora_mixer.pipeline import RenderedImage
from lora_mixer.request import RenderRequest

if TYPE_CHECKING:
    from lora_mixer.mixer.mixer import BaseMixer

_Listener = tuple[asyncio.AbstractEventLoop, asyncio.Event]


class RenderJob:
    """A handle on pictures that are being rendered; rendering begins at once.

    Several readers may follow one job, blocking (`for picture in job`) or not (`async for picture in job`); each gets
    every picture, in the order asked for, as soon as it is done. A job that is under way is cancelled where
    it is left as a context, and where Python ends.

    Args:
        mixer: The open mixer; jobs of one mixer take turns, batch by batch.
        requests: Requests, or just prompts.
        batch: Pictures per batch.
        options: Fields of `RenderRequest`, laid over every request.

    >>> from lora_mixer import Mixer
    >>> with RenderJob(Mixer.open(), ["cat", "sun"], seed=7, steps=1) as job:
    ...     [picture.record.settings.prompt for picture in job]
    ['cat', 'sun']
    """

    def __init__(
        self,
        mixer: BaseMixer,
        requests: Iterable[RenderRequest | str],
        *,
        batch: int = 4,
        **options: Unpack[RequestOptions],
    ) -> None:
        self._changed = threading.Condition()
        self._listeners: set[_Listener] = set()
        self._cancel = Cancel()
        self._pictures: list[RenderedImage] = []
        self._progress: Progress | None = None
        self._error: BaseException | None = None
        self._done = False
        pictures = mixer.render_many(requests, batch=batch, on_progress=self._step, cancel=self._cancel, **options)
        self._thread = threading.Thread(target=self._work, args=(pictures,), name="lora-mixer-job", daemon=True)
        atexit.register(self.__exit__)  # a thread that computes while Python ends would take the process down
        self._thread.start()

    @property
    def progress(self) -> Progress | None:
        """How far it is; None before the first step."""
        return self._progress

    @property
    def pictures(self) -> tuple[RenderedImage, ...]:
        """The pictures that are finished."""
        with self._changed:
            return tuple(self._pictures)

    @property
    def done(self) -> bool:
        """Whether it is over: finished, failed or cancelled."""
        return self._done

    def cancel(self) -> None:
        """Stop within one step; what is finished stays in `pictures`."""
        self._cancel.press()

    def result(self, timeout: float | None = None) -> tuple[RenderedImage, ...]:
        """Wait for the end and return all pictures.

        Args:
            timeout: How many seconds to wait at most.

        Raises:
            CancelledError: It was cancelled.
            RenderError: The time is up; the job goes on.
            LoraMixerError: What rendering raised.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._done, timeout):
                raise RenderError(
                    f"{len(self._pictures)} pictures are done after {timeout:g} s, not all",
                    remedy="Wait longer, or cancel the job.",
                )
        self._check()
        return self.pictures

    def __iter__(self) -> Iterator[RenderedImage]:
        """Yield each picture as soon as it is done; raise what rendering raised."""
        count = 0
        while self._waited(count):
            yield self._pictures[count]
            count += 1
        self._check()

    async def __aiter__(self) -> AsyncIterator[RenderedImage]:
        """Yield each picture as soon as it is done, without blocking the event loop."""
        async for event in self.events():
            if isinstance(event, RenderedImage):
                yield event

    async def events(self) -> AsyncIterator[Progress | RenderedImage]:
        """Yield every picture, and between them the newest progress; a slow reader misses steps, never pictures.

        Raises:
            LoraMixerError: What rendering raised.
        """
        listener = (asyncio.get_running_loop(), asyncio.Event())
        self._listeners.add(listener)
        try:
            count, told = 0, None
            while True:
                listener[1].clear()
                done = self._done
                if count < len(self._pictures):
                    count += 1
                    yield self._pictures[count - 1]
                elif done:
                    break
                elif self._progress is not told and self._progress is not None:
                    told = self._progress
                    yield told
                else:
                    await listener[1].wait()
        finally:
            self._listeners.discard(listener)
        self._check()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_left: object) -> None:
        """Cancel what is under way, and wait until the mixer is free."""
        self.cancel()
        self._thread.join()

    def _work(self, pictures: Iterator[RenderedImage]) -> None:
        error: BaseException | None = None
        try:
            for picture in pictures:
                self._tell(picture=picture)
        except BaseException as raised:  # noqa: BLE001 handed to whoever asks for the result
            error = raised
        self._tell(error=error, done=True)
        atexit.unregister(self.__exit__)

    def _step(self, progress: Progress) -> None:
        self._tell(progress=progress)

    def _tell(
        self,
        *,
        picture: RenderedImage | None = None,
        progress: Progress | None = None,
        error: BaseException | None = None,
        done: bool = False,
    ) -> None:
        with self._changed:
            self._pictures += [picture] if picture else []
            self._progress = progress or self._progress
            self._error, self._done = error, done
            self._changed.notify_all()
        for loop, event in tuple(self._listeners):
            with suppress(RuntimeError):  # the loop of a reader that went away is closed
                loop.call_soon_threadsafe(event.set)

    def _waited(self, count: int) -> bool:
        """Wait for the picture of a number; return whether there is one."""
        with self._changed:
            self._changed.wait_for(lambda: self._done or count < len(self._pictures))
            return count < len(self._pictures)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
