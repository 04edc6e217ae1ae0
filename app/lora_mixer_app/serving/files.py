"""Which files a request may name, and how responses name them: each person's own, by paths that reveal nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lora_mixer_app.serving.names import FolderNames
from lora_mixer_app.serving.owners import may_read

LARGEST_BODY = 8 * 1024 * 1024
_FILE = re.compile(r"/gradio_api/file[=/](?P<path>.+)", re.DOTALL)
_PROXY = re.compile(r"/gradio_api/proxy=.*", re.DOTALL)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # of two letters or more: one is a drive of Windows
_TEXTS = ("application/json", "text/event-stream", "text/html")


class RefusedName(Exception):  # noqa: N818 an answer, not a failure
    """A request names a forbidden file; the text says why."""


class Files:
    """ASGI middleware for files named in requests and responses.

    A request may name what its caller uploaded, or what is theirs: not another's file, and not an address, which the
    server would have to look up. Answers name the folders by `names`.

    Args:
        app: The app behind.
        names: Public names of folders.
        own: Folders in which each sees their own files only.
        shared: Folders in which everybody sees what belongs to nobody, and their own.
        user_of: Returns the caller's login name, or an empty text.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        names: FolderNames,
        own: Collection[Path],
        shared: Collection[Path],
        user_of: Callable[[Scope], str],
    ) -> None:
        self._app = app
        self._names = names
        self._own = own
        self._shared = shared
        self._user_of = user_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            scope = self._asked(scope)
            if scope["method"] == "POST" and _is(Headers(scope=scope), "application/json"):
                receive = await self._posted(scope, receive)
        except RefusedName as error:
            await JSONResponse({"detail": str(error)}, status_code=403)(scope, receive, send)
            return
        await self._app(scope, receive, _Hiding(send, self._names).send)

    def _asked(self, scope: Scope) -> Scope:
        """Return a request for a file with its path as it is here."""
        if _PROXY.fullmatch(scope["path"]):
            raise RefusedName("nothing is fetched from elsewhere")
        found = _FILE.fullmatch(scope["path"])
        if found is None:
            return scope
        path = self._allowed(found["path"], self._user_of(scope))
        asked = f"/gradio_api/file={path}"
        return {**scope, "path": asked, "raw_path": asked.encode("utf-8", "surrogateescape")}

    async def _posted(self, scope: Scope, receive: Receive) -> Receive:
        """Return a post's body with the paths in it as they are here."""
        body = await _whole(receive)
        try:
            data = json.loads(body)
        except (ValueError, RecursionError):
            return _again(body, receive)  # what answers says what it thinks of that
        user, host = self._user_of(scope), Headers(scope=scope).get("host", "")
        for found in _dicts(data):
            if isinstance(path := found.get("path"), str):
                found["path"] = self._allowed(path, user)
            if isinstance(url := found.get("url"), str) and not _is_here(url, host):
                raise RefusedName("files are uploaded, not named by an address")
        return _again(json.dumps(data).encode(), receive)

    def _allowed(self, asked: str, user: str) -> str:
        if _ADDRESS.match(asked) or asked.startswith("//"):
            raise RefusedName("files are uploaded, not named by an address")
        path = self._names.path(asked)
        try:
            allowed = may_read(path, user, own=self._own, shared=self._shared)
        except (OSError, ValueError):
            allowed = False
        if allowed is False:
            raise RefusedName("there is no such file of yours")
        return path


class _Hiding:
    """Sends a response with folder names hidden in its texts."""

    def __init__(self, send: Send, names: FolderNames) -> None:
        self._send = send
        self._names = names
        self._is_text = False
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def send(self, message: Message) -> None:
        """Send one part of a response; one with a known length is sent when complete."""
        if message["type"] == "http.response.start":
            headers = Headers(raw=message["headers"])
            self._is_text = _is(headers, *_TEXTS)
            if self._is_text and "content-length" in headers:
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._is_text:
            body = message.get("body", b"")
            if self._start is not None:
                self._parts.append(body)
                if message.get("more_body"):
                    return
                body = b"".join(self._parts)
            message = {**message, "body": self._names.hidden(body)}
            if self._start is not None:
                MutableHeaders(scope=self._start)["content-length"] = str(len(message["body"]))
                await self._send(self._start)
        await self._send(message)


def _is(headers: Headers, *types: str) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() in types


def _is_here(url: str, host: str) -> bool:
    """Return whether a URL is a path, data, or of this server."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"data", "blob"} or not parts.netloc or parts.netloc == host


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise RefusedName(f"a request has at most {LARGEST_BODY // 2**20} MiB")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that replays a body already read, then continues."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def read() -> Message:
        return waiting.pop() if waiting else await receive()

    return read


def _dicts(data: object) -> Iterator[dict[str, object]]:
    """Yield every table in JSON."""
    waiting = [data]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield found
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
