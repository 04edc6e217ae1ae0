"""Who may talk to the page: the right host name, the right origin, and scripts of its own only.

A server on 127.0.0.1 is reachable by every web page its user visits: by a host name that resolves there (DNS
rebinding) and by cross-site posts. docs/security.md says what was tried.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("127.0.0.1", "localhost", "[::1]")
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "frame-ancestors 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
}


class Guard:
    """ASGI middleware that answers 403 to strangers and adds the headers above to every answer.

    Args:
        app: What is guarded.
        hosts: Host names that may be asked for, without port.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOCAL) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if (reason := self._refusal(Headers(scope=scope))) is not None:
            await PlainTextResponse(f"refused: {reason}", status_code=403)(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _refusal(self, headers: Headers) -> str | None:
        host = _name(f"//{headers.get('host', '')}")
        if host not in self._hosts:
            return "this page does not answer to that host name"
        origin = headers.get("origin")
        if origin is not None and _name(origin) not in self._hosts:
            return "the request comes from another site"
        if headers.get("sec-fetch-site") == "cross-site":
            return "the request comes from another site"
        return None


def _name(url: str) -> str:
    name = (urlsplit(url).hostname or "").lower()
    return f"[{name}]" if ":" in name else name
