"""Limits per caller: concurrent calls and questions, and bytes uploaded per hour."""

from __future__ import annotations

import re
import time
from collections import Counter, deque
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from lora_mixer_app.serving.languages import refusal

MOST_CALLS = 32
MOST_QUESTIONS = 16
"""Questions of the page's script that one caller may have at a time; each has a thread while it is answered."""
UPLOADS = 256 * 1024 * 1024
"""Bytes that one caller may upload within the time an upload is kept."""
KEPT = 3600.0
_LEAST = 64 * 1024  # the least an upload counts, since any file takes space
_MOST_CALLERS = 4096
_CALL = re.compile(r"/gradio_api/(?:queue/join|call/.+|run/.+|api/.+)")
_QUESTION = re.compile(r"/gradio_api/component_server/?")
_UPLOAD = re.compile(r"/gradio_api/upload/?|/panes/(?:input|training-picture)")

Who = Callable[[Scope], str]
"""Returns the key a request's caller is counted under."""


class Calls:
    """ASGI middleware that responds 429 to a caller with too many concurrent calls.

    Args:
        app: What answers.
        who: Tells callers apart.
        under_way: Returns a caller's concurrent calls.
        most: The limit.
    """

    def __init__(self, app: ASGIApp, *, who: Who, under_way: Callable[[str], int], most: int = MOST_CALLS) -> None:
        self._app = app
        self._who = who
        self._under_way = under_way
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_call = scope["type"] == "http" and scope["method"] == "POST" and _CALL.fullmatch(scope["path"])
        if is_call and self._under_way(self._who(scope)) >= self._most:
            english = f"You have {self._most} calls under way: wait until some are done. Nobody else is affected."
            chinese = f"您有 {self._most} 个请求正在进行：请等待一部分完成。其他人不受影响。"
            await refusal(scope, english, chinese, status=429, retry_after=5)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Questions:
    """ASGI middleware that responds 429 to a caller who asks too many questions at a time: they stand in no line.

    Args:
        app: What answers.
        who: Tells callers apart.
        most: The limit.
    """

    def __init__(self, app: ASGIApp, *, who: Who, most: int = MOST_QUESTIONS) -> None:
        self._app = app
        self._who = who
        self._most = most
        self._asking: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not _QUESTION.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        who = self._who(scope)
        if self._asking[who] >= self._most:
            english = f"You have {self._most} questions under way: wait until some are answered."
            chinese = f"您有 {self._most} 个查询正在进行：请等待一部分得到答复。"
            await refusal(scope, english, chinese, status=429, retry_after=1)(scope, receive, send)
            return
        self._asking[who] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._asking[who] -= 1
            if not self._asking[who]:
                del self._asking[who]


class Uploads:
    """ASGI middleware that responds 413 to a caller who has uploaded too much.

    Args:
        app: The app that takes uploads.
        who: Tells callers apart.
        most: Bytes within the time they are kept.
        clock: Tells seconds.
    """

    def __init__(
        self, app: ASGIApp, *, who: Who, most: int = UPLOADS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app = app
        self._who = who
        self._most = most
        self._clock = clock
        self._sent: dict[str, deque[tuple[float, int]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["method"] in {"POST", "PUT"} and _UPLOAD.fullmatch(scope["path"]):
            refused = self._refused(scope, self._who(scope), Headers(scope=scope).get("content-length", ""))
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope, who: str, length: str) -> JSONResponse | None:
        if not (length.isascii() and length.isdecimal() and len(length) < 19):
            return refusal(
                scope,
                "Say how long the upload is (Content-Length).",
                "请写明上传的大小（Content-Length）。",
                status=411,
            )
        now, size = self._clock(), max(int(length), _LEAST)
        sent = self._sent.pop(who, None) or deque()
        self._sent[who] = sent
        while sent and now - sent[0][0] > KEPT:
            sent.popleft()
        while len(self._sent) > _MOST_CALLERS:
            del self._sent[next(iter(self._sent))]
        if sum(size for _, size in sent) + size > self._most:
            most = self._most // 2**20
            english = f"You may upload {most} MiB within an hour, and would have more."
            return refusal(scope, english, f"一小时内最多上传 {most} MiB，此次会超出。", status=413)
        sent.append((now, size))
        return None
