"""Who is still there: the open connections of each browser tab or call, so that nothing is rendered for nobody."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEFT = 2.0
"""Seconds after their last connection until somebody counts as gone."""
NEVER_CAME = 6.0
"""Seconds in which somebody who asked for something must come to hear of it."""
A_MOMENT = 1.0
"""Seconds in which somebody who asked, and does not listen, may still be about to."""
_MOST = 4096
_LISTENING = re.compile(r"/gradio_api/(?:heartbeat|call/(?:v2/)?[^/]+)/(?P<key>[^/]+)/?")
_STREAM = re.compile(r"/gradio_api/queue/data/?")


class Presence:
    """The connections that are open, under the key of the tab or call they belong to.

    Args:
        clock: Tells seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.open: dict[str, int] = {}
        self._left: dict[str, float] = {}
        self._lock = threading.Lock()

    def opened(self, key: str) -> None:
        """Note an opened connection."""
        with self._lock:
            self.open[key] = self.open.get(key, 0) + 1

    def closed(self, key: str) -> None:
        """Note a closed connection."""
        with self._lock:
            if self.open.get(key, 1) > 1:
                self.open[key] -= 1
                return
            self.open.pop(key, None)
            self._left.pop(key, None)
            self._left[key] = self._clock()
            while len(self._left) > _MOST:
                del self._left[next(iter(self._left))]

    def watch(self, key: str) -> PresenceWatch:
        """Return what tells whether somebody who asks for something now is still there."""
        return PresenceWatch(self, key, self._clock())

    def away(self, key: str, asked: float) -> tuple[float, bool]:
        """Return for how many seconds nobody has listened under a key, and whether anybody ever did.

        Args:
            key: The key.
            asked: When something was asked for; what was before does not count.
        """
        with self._lock:
            if key in self.open:
                return 0.0, True
            left = self._left.get(key, asked)
            return self._clock() - max(left, asked), left > asked


class PresenceWatch(NamedTuple):
    """Whether somebody who has asked for something is still there.

    Attributes:
        presence: The book.
        key: Their tab or call.
        asked: When they asked.
    """

    presence: Presence
    key: str
    asked: float

    @property
    def absent(self) -> bool:
        """Whether nobody listens at this moment, who may still come, or come back."""
        return self.presence.away(self.key, self.asked)[0] > A_MOMENT

    @property
    def gone(self) -> bool:
        """Whether nobody will listen: the last connection has ended, or none was ever opened."""
        seconds, came = self.presence.away(self.key, self.asked)
        return seconds > (LEFT if came else NEVER_CAME)


class Listening:
    """ASGI middleware that keeps the book of who is listening.

    Args:
        app: What answers.
        presence: The book.
    """

    def __init__(self, app: ASGIApp, presence: Presence) -> None:
        self._app = app
        self._presence = presence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and note how long it is listened to."""
        key = _key_of(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if key is None:
            await self._app(scope, receive, send)
            return
        line = _Line(receive, partial(self._presence.closed, key))
        self._presence.opened(key)
        watching = asyncio.create_task(line.watch())
        try:
            await self._app(scope, line.receive, send)
        finally:
            watching.cancel()
            line.end()


class _Line:
    """The caller's end of a connection: listened to all the time, so that its end is noticed at once.

    Some servers and frameworks look only when they next have something to send.
    """

    def __init__(self, receive: Receive, ended: Callable[[], None]) -> None:
        self._receive = receive
        self._ended: Callable[[], None] | None = ended
        self._waiting: list[Message] = []
        self._news = asyncio.Event()

    async def watch(self) -> None:
        """Take in what comes until the connection ends."""
        while self._ended is not None:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.end()
            else:
                self._waiting.append(message)
            self._news.set()

    async def receive(self) -> Message:
        """Return what came, at once if it is there: whoever only looks does not wait."""
        while not self._waiting:
            if self._ended is None:
                return {"type": "http.disconnect"}
            self._news.clear()
            await self._news.wait()
        return self._waiting.pop(0)

    def end(self) -> None:
        """Note that the connection has ended; once."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()


def _key_of(scope: Scope) -> str | None:
    """Return the tab or call whose events a request asks for; None if it asks for something else."""
    if found := _LISTENING.fullmatch(scope["path"]):
        return found["key"]
    if _STREAM.fullmatch(scope["path"]):
        return next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [])), None)
    return None
