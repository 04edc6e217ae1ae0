"""Requests as Gradio hands them to a listener, of people who sit at browser tabs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import gradio as gr


def person(tab: str, *, name: str | None = None, host: str = "127.0.0.1", **headers: str) -> gr.Request:
    """Return a request from a browser tab.

    Args:
        tab: Which.
        name: Who is logged in there.
        host: The address of their machine.
        headers: What their browser sends along.
    """
    client = SimpleNamespace(host=host)
    return cast("gr.Request", SimpleNamespace(session_hash=tab, username=name, client=client, headers=headers))
