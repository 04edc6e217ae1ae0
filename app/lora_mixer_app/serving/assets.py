"""The page's own files (scripts, style sheets, icons), answered at once and to everybody: they tell nothing of anybody."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PREFIX = "/page/"
_ALSO = {"/manifest.json": "manifest.webmanifest", "/favicon.ico": "icon-192.png"}
"""Names that browsers, and Gradio's page, ask for by themselves."""

for _kind, _ending in (
    ("text/javascript", ".js"),
    ("text/css", ".css"),
    ("application/manifest+json", ".webmanifest"),
    ("font/woff2", ".woff2"),
):
    mimetypes.add_type(_kind, _ending)  # a machine's own table may say that scripts are plain text


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
                message["headers"] = [*message["headers"], (b"cache-control", b"no-cache")]
            await send(message)

        await self._files({**scope, "path": f"/{name}", "root_path": ""}, receive, unkept)
