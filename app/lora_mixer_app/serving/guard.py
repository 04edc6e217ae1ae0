"""Who may talk to the page: the right host name, the page's own origin, and scripts of its own only.

A server on 127.0.0.1 is reachable by every web page its user visits: by a host name that resolves there (DNS
rebinding), by cross-site posts, and by pages of other ports of this machine, which browsers call the same site.
docs/security.md says what was tried.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("127.0.0.1", "localhost", "[::1]")
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio compiles templates and scripts of its gr.HTML
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
_BEYOND = frozenset("/?#@\\")
_CORS = "access-control-"
_PORTS = {"http": 80, "https": 443}
_SCHEMES = {"ws": "http", "wss": "https"}
_ELSEWHERE = frozenset({"cross-site", "same-site"})


class Origin(NamedTuple):
    """Where a page comes from: its scheme, the name of its host in small letters, its port."""

    scheme: str
    host: str
    port: int


def read_origin(text: str) -> Origin | None:
    """Return the origin a text names; None if it names none.

    >>> read_origin("https://Desk.lan"), read_origin("http://[::1]:7860"), read_origin("null"), read_origin("http://[")
    (Origin(scheme='https', host='desk.lan', port=443), Origin(scheme='http', host='[::1]', port=7860), None, None)
    """
    try:
        parts = urlsplit(text)
        name, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not name or _BEYOND.intersection(text.partition("//")[2]):
        return None
    return Origin(parts.scheme, f"[{name}]" if ":" in name else name, port or _PORTS[parts.scheme])


class Guard:
    """ASGI middleware that answers 403 to strangers and adds the headers above to every answer.

    Args:
        app: What is guarded.
        hosts: Host names that may be asked for, without port.
        origins: Other origins whose pages may talk to this one; nobody else is told of CORS.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = LOCAL, origins: Collection[Origin] = ()) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts) | {origin.host for origin in origins}
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if (reason := self._refusal(scope, headers)) is not None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008, "reason": reason})
            else:
                await PlainTextResponse(f"refused: {reason}", status_code=403)(scope, receive, send)
            return
        asked = headers.get("origin", "")
        allowed = _allowance(asked, headers) if read_origin(asked) in self._origins else {}
        if allowed and scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await Response(status_code=204, headers=allowed)(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(k, v) for k, v in message["headers"] if not k.lower().startswith(_CORS.encode())]
                MutableHeaders(scope=message).update(HEADERS | allowed)
            await send(message)

        await self._app(scope, receive, with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> str | None:
        scheme = _SCHEMES.get(scope["scheme"], scope["scheme"])
        here = read_origin(f"{scheme}://{headers.get('host', '')}")
        if here is None or here.host not in self._hosts:
            return "this page does not answer to that host name"
        if (origin := headers.get("origin")) is not None:
            known = read_origin(origin) in {here, *self._origins}
            return None if known else "the request comes from another site"
        if headers.get("sec-fetch-site") in _ELSEWHERE and not _is_visit(scope, headers):
            return "the request comes from another site"
        return None


def _is_visit(scope: Scope, headers: Headers) -> bool:
    """Return whether somebody follows a link to the page itself."""
    fetched = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return scope.get("method") == "GET" and scope["path"] == "/" and fetched == ("navigate", "document")


def _allowance(origin: str, headers: Headers) -> dict[str, str]:
    """Return the CORS headers for a page that may talk to this one."""
    return {
        f"{_CORS}allow-origin": origin,
        f"{_CORS}allow-credentials": "true",
        f"{_CORS}allow-methods": "GET, HEAD, POST",
        f"{_CORS}allow-headers": headers.get(f"{_CORS}request-headers", "content-type"),
        "vary": "Origin",
    }
