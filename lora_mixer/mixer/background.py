"""Work in its own thread, followed as an iterator: the one bridge from threads to readers."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Generic, Self, TypeVar, cast

from lora_mixer.cancel import Cancel

Item = TypeVar("Item")
News = TypeVar("News")
_Reader = tuple[asyncio.AbstractEventLoop, asyncio.Event]


@dataclass(slots=True)
class _Place:
    """A reader's position: the items and the news it has seen."""

    items: int = 0
    news: object = None


class Background(Generic[Item, News]):
    """Work in a thread, started at once.

    It produces items, kept for every reader, and news, of which only the newest is kept. Several readers may follow it,
    blocking or in asyncio. Leaving it as a context manager, or Python's exit, cancels it.

    Args:
        start: Called in the thread with a function to tell news and the cancel switch; returns the items.
        cancel: The switch; None makes one.
        name: The thread's name.

    >>> with Background(lambda tell, cancel: iter("ab")) as work:
    ...     list(work)
    ['a', 'b']
    """

    def __init__(
        self,
        start: Callable[[Callable[[News], None], Cancel], Iterable[Item]],
        *,
        cancel: Cancel | None = None,
        name: str = "lora-mixer-job",
    ) -> None:
        self._start = start
        self._changed = threading.Condition()
        self._readers: set[_Reader] = set()
        self._cancel = cancel or Cancel()
        self._items: list[Item] = []
        self._news: News | None = None
        self._error: BaseException | None = None
        self._done = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        atexit.register(self.__exit__)  # a thread that computes while Python ends would take the process down
        self._thread.start()

    @property
    def news(self) -> News | None:
        """The newest news, or None."""
        return self._news

    @property
    def items(self) -> tuple[Item, ...]:
        """The items so far."""
        with self._changed:
            return tuple(self._items)

    @property
    def done(self) -> bool:
        """Whether it has finished, failed or been cancelled."""
        return self._done

    def cancel(self) -> None:
        """Stop within one step; `items` keeps what is finished."""
        self._cancel.press()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most `timeout` seconds; return whether it is over.

        Raises:
            CancelledError: It was cancelled.
            Exception: What the work raised.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._done, timeout):
                return False
        self._check()
        return True

    def __iter__(self) -> Iterator[Item]:
        """Yield each item as it arrives; raise what the work raised."""
        place = _Place()
        while self._awaited(place):
            yield self._item(place)
        self._check()

    async def __aiter__(self) -> AsyncIterator[Item]:
        """Yield each item as it arrives, without blocking the event loop."""
        place = _Place()
        async with aclosing(self._turns()) as turns:
            async for _ in turns:
                while self._has_item(place):
                    yield self._item(place)

    def follow(self) -> Iterator[Item | News]:
        """Yield every item, and between them the newest news; a slow reader misses news, never items.

        Raises:
            Exception: What the work raised.
        """
        place = _Place()
        while self._awaited(place, news=True):
            yield self._next(place)
        self._check()

    async def events(self) -> AsyncIterator[Item | News]:
        """Do what `follow` does without blocking the event loop.

        Raises:
            Exception: What the work raised.
        """
        place = _Place()
        async with aclosing(self._turns()) as turns:
            async for _ in turns:
                while self._has_item(place) or self._has_news(place):
                    yield self._next(place)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_left: object) -> None:
        """Cancel, and wait until the work has stopped."""
        self.cancel()
        self._thread.join()

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._start(self._tell, self._cancel):
                with self._changed:
                    self._items.append(item)
                    self._changed.notify_all()
                self._wake()
        except BaseException as raised:  # noqa: BLE001 handed to whoever asks for the result
            error = raised
        with self._changed:
            self._error, self._done = error, True
            self._changed.notify_all()
        self._wake()
        atexit.unregister(self.__exit__)

    def _tell(self, news: News) -> None:
        with self._changed:
            self._news = news
            self._changed.notify_all()
        self._wake()

    def _wake(self) -> None:
        for loop, event in tuple(self._readers):
            with suppress(RuntimeError):  # the loop of a reader that went away is closed
                loop.call_soon_threadsafe(event.set)

    def _awaited(self, place: _Place, *, news: bool = False) -> bool:
        """Wait for the next item, or for news; return whether there is either."""

        def more() -> bool:
            return self._has_item(place) or (news and self._has_news(place))

        with self._changed:
            self._changed.wait_for(lambda: self._done or more())
            return more()

    def _has_item(self, place: _Place) -> bool:
        return place.items < len(self._items)

    def _has_news(self, place: _Place) -> bool:
        return not self._done and self._news is not place.news

    def _item(self, place: _Place) -> Item:
        place.items += 1
        return self._items[place.items - 1]

    def _next(self, place: _Place) -> Item | News:
        if self._has_item(place):
            return self._item(place)
        place.news = news = cast("News", self._news)
        return news

    async def _turns(self) -> AsyncGenerator[None, None]:
        """Yield whenever something is new, once more at the end; then raise what the work raised."""
        reader = (asyncio.get_running_loop(), asyncio.Event())
        self._readers.add(reader)
        try:
            done = False
            while not done:
                reader[1].clear()
                done = self._done
                yield
                if not done:
                    await reader[1].wait()
        finally:
            self._readers.discard(reader)
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
