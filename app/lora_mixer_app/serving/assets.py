"""Files for everybody (scripts, style sheets, fonts, icons): answered at once and from memory, for they tell nothing of anybody."""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/page/"
"""Where our own files are; nothing else is there."""
ANEW = "no-cache"
"""A browser asks each time whether the file changed."""
FOR_GOOD = "public, max-age=31536000, immutable"
"""Another content has another name."""
_ALSO = {"/manifest.json": "/page/manifest.webmanifest", "/favicon.ico": "/page/icon-192.png"}
"""Names that browsers, and Gradio's page, ask for by themselves."""

KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What is said of a file by its ending: the process's own table is anybody's to change, and Gradio does."""
_PACKED = frozenset({".js", ".css", ".html", ".svg", ".webmanifest", ".json"})
_WORTH_PACKING = 1000  # bytes: what fits into one packet comes no sooner


class Folder(NamedTuple):
    """A folder whose files are answered.

    Attributes:
        path: Where it is.
        caching: For how long browsers keep its files: `ANEW` or `FOR_GOOD`.
    """

    path: Path
    caching: str = ANEW


class Asset(NamedTuple):
    """What is answered at one address.

    Attributes:
        sources: The files it is made of; when one of them changes, it is read anew.
        read: Returns it.
        caching: For how long browsers keep it.
    """

    sources: Sequence[Path]
    read: Callable[[], bytes]
    caching: str = ANEW


@dataclass(frozen=True, slots=True)
class _Held:
    """An asset in memory, and what it was read from."""

    state: tuple[int, ...]
    body: bytes
    packed: bytes | None
    tag: str


class Assets:
    """ASGI middleware that answers files.

    Args:
        app: What answers everything else.
        folders: Folders of files, by what their addresses begin with, such as `/page/`.
        made: What is made of files, by address; it comes before a file of that name.
    """

    def __init__(self, app: ASGIApp, folders: Mapping[str, Folder], made: Mapping[str, Asset] | None = None) -> None:
        self._app = app
        self._known = {**_in_folders(folders), **(made or {})}
        self._held: dict[str, _Held] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope.get("path", "")
        name = _ALSO.get(path, path)
        asset = self._known.get(name) if scope["type"] == "http" else None
        if asset is not None:
            await (await self._answer(name, asset, scope))(scope, receive, send)
        elif scope["type"] == "http" and path.startswith(PREFIX):
            await PlainTextResponse("Not Found", status_code=404)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, name: str, asset: Asset, scope: Scope) -> Response:
        if scope["method"] not in {"GET", "HEAD"}:
            return PlainTextResponse("Method Not Allowed", status_code=405, headers={"allow": "GET, HEAD"})
        held = self._held.get(name)
        if held is None or held.state != _state(asset):
            held = self._held[name] = await asyncio.to_thread(_hold, name, asset)
        asked = Headers(scope=scope)
        said = {"etag": held.tag, "cache-control": asset.caching, "vary": "accept-encoding"}
        if held.tag in asked.get("if-none-match", ""):
            return Response(status_code=304, headers=said)
        said["content-type"] = _kind(name)
        body = held.body
        if held.packed is not None and "gzip" in asked.get("accept-encoding", ""):
            said["content-encoding"] = "gzip"
            body = held.packed
        said["content-length"] = str(len(body))
        return Response(b"" if scope["method"] == "HEAD" else body, headers=said)


def _in_folders(folders: Mapping[str, Folder]) -> dict[str, Asset]:
    paths = (
        (prefix, folder, Path(within, name))
        for prefix, folder in folders.items()
        for within, _, names in os.walk(folder.path)
        for name in names
    )
    return {
        prefix + path.relative_to(folder.path).as_posix(): Asset((path,), path.read_bytes, folder.caching)
        for prefix, folder, path in paths
    }


def _state(asset: Asset) -> tuple[int, ...]:
    return tuple(path.stat().st_mtime_ns for path in asset.sources)


def _hold(name: str, asset: Asset) -> _Held:
    state = _state(asset)
    body = asset.read()
    is_packed = Path(name).suffix in _PACKED and len(body) > _WORTH_PACKING
    packed = gzip.compress(body, mtime=0) if is_packed else None
    return _Held(state, body, packed, f'"{sha256(body).hexdigest()[:32]}"')


def _kind(name: str) -> str:
    return KINDS.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
