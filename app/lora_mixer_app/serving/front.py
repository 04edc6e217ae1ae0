"""A placeholder page: answers at once, says what is being done, and gives way to the page when ready."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from html import escape

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lora_mixer_app.serving.languages import language_of

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>LoRA Mixer</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="page/icon.svg" type="image/svg+xml">
<link rel="manifest" href="page/manifest.webmanifest"><link rel="stylesheet" href="page/opening.css">
<noscript><meta http-equiv="refresh" content="2"></noscript><script type="module" src="page/opening.js"></script></head>
<body data-ended="{ended}"><main><header><img src="page/icon.svg" alt=""><h1>LoRA Mixer</h1></header>
<p id="opening" role="status">{says}</p><progress max="1" value="{done}" aria-labelledby="opening"></progress>
<p id="then">{then}</p></main></body></html>
"""
ASKED = "/opening"
"""Where the page in front asks how far opening has come."""
_NOT_YET = {"retry-after": "1", "cache-control": "no-store"}
_THEN = {
    "en": "The desk comes by itself when it is ready.",
    "zh": "准备就绪后会自动进入调音台。",
}
_ENDED = {
    "en": "The server has ended. The window it was started in says why.",
    "zh": "服务器已停止。请查看启动它的窗口了解原因。",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How far what is behind has come.

    Attributes:
        says: What is being done, in the language of who asks.
        done: How much is done, 0..1, as far as that is known.
        seconds: How long it has taken.
    """

    says: str
    done: float
    seconds: float


class Front:
    """An ASGI app in front of another one, which may come later.

    Args:
        opening: Tells how far what is behind has come, in a language (`en` or `zh`).
    """

    def __init__(self, opening: Callable[[str], Opening]) -> None:
        self._opening = opening
        self._behind: ASGIApp | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving = threading.Event()
        self._leaving = False
        self._under_way: set[asyncio.Task[object] | None] = set()
        self._ending = asyncio.Event()
        self._living: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward to the app behind, or say that it is not ready yet."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"] == ASKED:
            await self._how_far(scope)(scope, receive, send)
        elif self._behind is not None:
            await self._answered(self._behind, scope, receive, send)
        elif scope["type"] == "http":
            await self._not_yet(scope)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1013})

    def open(self, behind: ASGIApp, life: AbstractAsyncContextManager[object]) -> None:
        """Forward to another app from now on; callable from any thread.

        Args:
            behind: The app.
            life: Its lifespan: entered before its first request, left when serving ends.

        Raises:
            Exception: What entering raises.
        """
        self._serving.wait()
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._open(behind, life), self._loop).result()

    def leave(self) -> None:
        """Let streams that never end by themselves end now; from the loop's own thread."""
        self._leaving = True
        for task in self._under_way:
            if task is not None:
                task.cancel()

    async def _answered(self, behind: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a stream that is under way when serving ends is ended in form."""
        started = False

        async def heard(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        task = asyncio.current_task()
        self._under_way.add(task)
        try:
            await behind(scope, receive, heard)
        except asyncio.CancelledError:
            if not self._leaving:
                raise
            if started:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await JSONResponse({"detail": "this page is being closed"}, status_code=503)(scope, receive, send)
        finally:
            self._under_way.discard(task)

    async def _open(self, behind: ASGIApp, life: AbstractAsyncContextManager[object]) -> None:
        entered = asyncio.Event()

        async def live() -> None:
            async with life:
                entered.set()
                await self._ending.wait()

        self._living = asyncio.create_task(live())
        waiting = asyncio.create_task(entered.wait())
        await asyncio.wait({self._living, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._living.done():
            self._living.result()
        self._behind = behind

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._loop = asyncio.get_running_loop()
        self._serving.set()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._ending.set()
        if self._living is not None:
            await self._living
        await send({"type": "lifespan.shutdown.complete"})

    def _not_yet(self, scope: Scope) -> Response:
        language = language_of(scope)
        now = self._opening(language)
        if scope["method"] in {"GET", "HEAD"} and scope["path"] == "/":
            page = _PAGE.format(
                language=language,
                says=escape(now.says),
                done=f"{now.done:.2f}",
                then=_THEN[language],
                ended=escape(_ENDED[language]),
            )
            return HTMLResponse(page, headers=_NOT_YET)
        return JSONResponse({"detail": now.says}, status_code=503, headers=_NOT_YET)

    def _how_far(self, scope: Scope) -> Response:
        if self._behind is not None:
            return JSONResponse({"done": 1}, headers={"cache-control": "no-store"})
        now = self._opening(language_of(scope))
        told = {"detail": now.says, "done": round(now.done, 3), "seconds": round(now.seconds, 1)}
        return JSONResponse(told, headers=_NOT_YET)
