"""The page's own files (scripts, style sheets, icons), answered at once and to everybody: they tell nothing of anybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/page/"
OK = 200
_ALSO = {"/manifest.json": "manifest.webmanifest", "/favicon.ico": "icon-192.png"}
"""Names that browsers, and Gradio's page, ask for by themselves."""

KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""What is said of a file by its ending: the process's own table is anybody's to change, and Gradio does."""


class Assets:
    """ASGI middleware that answers files of folders below `/page/`; a browser asks each time whether they changed.

    Args:
        app: What answers everything else.
        folders: The files, by what their addresses begin with; `""` comes last.
    """

    def __init__(self, app: ASGIApp, folders: Mapping[str, Path]) -> None:
        self._app = app
        self._files = Starlette(
            routes=[Mount(f"/{name}", StaticFiles(directory=folder)) for name, folder in folders.items()]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope.get("path", "")
        name = _ALSO.get(path, path.removeprefix(PREFIX))
        if scope["type"] != "http" or name == path:
            await self._app(scope, receive, send)
            return

        async def unkept(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = KINDS.get(Path(name).suffix) if message["status"] == OK else None
                told = [pair for pair in message["headers"] if not (kind and pair[0] == b"content-type")]
                said = [(b"content-type", kind.encode())] if kind else []
                message["headers"] = [*told, *said, (b"cache-control", b"no-cache")]
            await send(message)

        await self._files({**scope, "path": f"/{name}", "root_path": ""}, receive, unkept)
