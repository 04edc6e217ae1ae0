"""Who is still there: the open connections of each browser tab or call, so that nothing is rendered for nobody."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Receive, Scope, Send

LEFT = 2.0
"""Seconds after its last connection ended until somebody counts as gone."""
NEVER_CAME = 15.0
"""Seconds in which somebody who asked for something must come to hear of it."""
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
        self._open: dict[str, int] = {}
        self._left: dict[str, float] = {}
        self._lock = threading.Lock()

    def opened(self, key: str) -> None:
        """A connection was opened."""
        with self._lock:
            self._open[key] = self._open.get(key, 0) + 1

    def closed(self, key: str) -> None:
        """A connection has ended."""
        with self._lock:
            if self._open.get(key, 1) > 1:
                self._open[key] -= 1
                return
            self._open.pop(key, None)
            self._left.pop(key, None)
            self._left[key] = self._clock()
            while len(self._left) > _MOST:
                del self._left[next(iter(self._left))]

    def watch(self, key: str) -> Callable[[], bool]:
        """Return what tells whether somebody who asks for something now has gone.

        They have when their last connection has ended, or none was ever opened.
        """
        asked = self._clock()

        def gone() -> bool:
            with self._lock:
                if key in self._open:
                    return False
                left = self._left.get(key)
                since, patience = (asked, NEVER_CAME) if left is None or left < asked else (left, LEFT)
                return self._clock() - since > patience

        return gone


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
        self._presence.opened(key)
        try:
            await self._app(scope, receive, send)
        finally:
            self._presence.closed(key)


def _key_of(scope: Scope) -> str | None:
    """Return the tab or call whose events a request asks for; None if it asks for something else."""
    if found := _LISTENING.fullmatch(scope["path"]):
        return found["key"]
    if _STREAM.fullmatch(scope["path"]):
        return next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [])), None)
    return None
