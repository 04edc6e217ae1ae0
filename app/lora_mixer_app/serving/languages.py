"""Which language who asks reads, and what is refused before anything hears of it, in both."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Scope


def language_in(headers: Mapping[str, str]) -> str:
    """Return `zh` or `en`, whichever a browser asks for first.

    >>> language_in({"accept-language": "zh-CN,zh;q=0.9"}), language_in({})
    ('zh', 'en')
    """
    return "zh" if str(headers.get("accept-language", "")).strip().lower().startswith("zh") else "en"


def language_of(scope: Scope) -> str:
    """Return which of both languages a request asks for."""
    return language_in(Headers(scope=scope))


def refusal(scope: Scope, english: str, chinese: str, *, status: int, retry_after: int | None = None) -> JSONResponse:
    """Return the answer to a request that is refused, in the language it asks for.

    Args:
        scope: The request.
        english: Why it is.
        chinese: The same.
        status: The HTTP status.
        retry_after: Seconds after which it may be asked again.
    """
    headers = None if retry_after is None else {"retry-after": str(retry_after)}
    detail = chinese if language_of(scope) == "zh" else english
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)
