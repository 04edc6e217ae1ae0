"""The page itself, kept as it was answered: building it anew for each visit took longer than sending all its files."""

from __future__ import annotations

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST = 16
"""Answers kept: they differ by who is logged in and by the address that the page was asked for."""
_OK = 200
_Key = tuple[object, ...]


class _Kept(NamedTuple):
    headers: list[tuple[bytes, bytes]]
    body: bytes
    packed: bytes


class FirstPage:
    """ASGI middleware that asks what is behind once for each who may be told something else.

    The page is the same as long as the server runs, but for the name of who is logged in, and the address in it, which comes
    of the request's host and the headers of a proxy.

    Args:
        app: What builds the page, and answers everything else.
        user_of: Returns the caller's login name, or an empty text.
    """

    def __init__(self, app: ASGIApp, *, user_of: Callable[[Scope], str]) -> None:
        self._app = app
        self._user_of = user_of
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not _is_the_page(scope):
            await self._app(scope, receive, send)
            return
        key = self._key(scope)
        kept = self._kept.get(key) or await self._build(key, scope, receive, send)
        if kept is None:
            return
        is_packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        body = kept.packed if is_packed else kept.body
        said = [*kept.headers, (b"content-length", str(len(body)).encode()), (b"vary", b"accept-encoding")]
        if is_packed:
            said.append((b"content-encoding", b"gzip"))
        await send({"type": "http.response.start", "status": _OK, "headers": said})
        await send({"type": "http.response.body", "body": body})

    def _key(self, scope: Scope) -> _Key:
        told = sorted(
            pair for pair in scope["headers"] if pair[0] == b"host" or pair[0].startswith((b"x-", b"forwarded"))
        )
        return (self._user_of(scope), scope["scheme"], scope.get("root_path", ""), *told)

    async def _build(self, key: _Key, scope: Scope, receive: Receive, send: Send) -> _Kept | None:
        """Return the answer of what is behind; None where that is no page and has been sent on."""
        heard: list[Message] = []

        async def hear(message: Message) -> None:
            heard.append(message)

        await self._app(scope, receive, hear)
        start, *rest = heard
        if start["status"] != _OK or any(name == b"set-cookie" for name, _ in start["headers"]):
            for message in heard:
                await send(message)
            return None
        body = b"".join(message.get("body", b"") for message in rest)
        headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        kept = self._kept[key] = _Kept(headers, body, await asyncio.to_thread(gzip.compress, body, mtime=0))
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return kept


def _is_the_page(scope: Scope) -> bool:
    is_asked = scope["type"] == "http" and scope["method"] == "GET"
    return is_asked and scope["path"] == "/" and not scope.get("query_string")
