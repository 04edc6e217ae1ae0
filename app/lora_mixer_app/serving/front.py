"""A placeholder page: answers at once, says what is being done, and gives way to the page when ready."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from html import escape

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>LoRA Mixer</title>
<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="1"><link rel="icon" href="data:,">
<style>body {{ font: 1.1em system-ui, sans-serif; margin: 20vh auto; max-width: 30em; padding: 0 1em;
color-scheme: light dark }}</style></head>
<body><h1>LoRA Mixer</h1><p id="opening" role="status">{says}</p><p>{then}</p></body></html>
"""
_THEN = {
    "en": "This page comes back by itself when it is ready.",
    "zh": "准备就绪后本页面会自动刷新。",
}


class Front:
    """An ASGI app in front of another one, which may come later.

    Args:
        says: The message, in a language (`en` or `zh`).
    """

    def __init__(self, says: Callable[[str], str]) -> None:
        self._says = says
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
        headers = {"retry-after": "1", "cache-control": "no-store"}
        asked = Headers(scope=scope).get("accept-language", "").strip().lower()
        language = "zh" if asked.startswith("zh") else "en"
        says = self._says(language)
        if scope["method"] in {"GET", "HEAD"} and scope["path"] == "/":
            page = _PAGE.format(language=language, says=escape(says), then=_THEN[language])
            return HTMLResponse(page, headers=headers)
        return JSONResponse({"detail": says}, status_code=503, headers=headers)
