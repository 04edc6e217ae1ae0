"""Slow down password guessing: after a few wrong ones, each further try waits longer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lora_mixer_app.serving.callers import caller
from lora_mixer_app.serving.languages import refusal

FREE = 5
"""Wrong passwords before the first wait, of one second; each wait is twice the one before."""
LONGEST = 300.0
FORGOTTEN = 3600.0
"""Seconds after the last try."""
_MOST = 4096
_LOGIN = frozenset({"/login", "/login/"})


@dataclass(slots=True)
class _Tries:
    wrong: int = 0
    last: float = 0.0

    def wait(self, now: float) -> float:
        over = self.wrong - FREE
        return self.last + min(2.0**over, LONGEST) - now if over >= 0 else 0.0


class Passwords:
    """ASGI middleware that responds 429 to too many tries.

    A try counts as wrong until answered, so parallel tries gain nothing.

    Args:
        app: What checks a password at `/login`, and answers an error to a wrong one.
        clock: Tells seconds.
    """

    def __init__(self, app: ASGIApp, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._clock = clock
        self._tries: dict[str, _Tries] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in _LOGIN:
            await self._app(scope, receive, send)
            return
        now, who = self._clock(), caller(None, (scope.get("client") or ("",))[0])
        tries = self._tries_of(who, now)
        if (wait := tries.wait(now)) > 0:
            seconds = math.ceil(wait)
            english = f"Too many wrong passwords: try again in {seconds} s."
            chinese = f"密码错误次数过多：请在 {seconds} 秒后再试。"
            await refusal(scope, english, chinese, status=429, retry_after=seconds)(scope, receive, send)
            return
        tries.wrong, tries.last = tries.wrong + 1, now

        async def heard(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                self._tries.pop(who, None)
            await send(message)

        await self._app(scope, receive, heard)

    def _tries_of(self, who: str, now: float) -> _Tries:
        tries = self._tries.pop(who, None)
        if tries is None or now - tries.last > FORGOTTEN:
            tries = _Tries()
        self._tries[who] = tries
        while len(self._tries) > _MOST:
            del self._tries[next(iter(self._tries))]
        return tries
