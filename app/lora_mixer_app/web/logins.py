"""Who somebody is logged in as, by the cookies that Gradio gives at its door."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.types import Scope


def user_of(scope: Scope) -> str:
    """Return the name somebody is logged in under; empty where nobody is asked for one."""
    app, cookies = scope["app"], HTTPConnection(scope).cookies
    tokens = (cookies.get(f"access-token{kind}-{app.cookie_id}") for kind in ("", "-unsecure"))
    return next((name for token in tokens if token and (name := app.tokens.get(token))), "")
