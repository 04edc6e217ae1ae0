"""The page as an app that a server serves, with its door: whose calls, uploads and files they are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple, cast

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Scope

from lora_mixer import Mixer
from lora_mixer_app.serving.callers import caller
from lora_mixer_app.serving.files import Files
from lora_mixer_app.serving.first_page import FirstPage
from lora_mixer_app.serving.limits import Calls, Questions, Uploads
from lora_mixer_app.serving.names import FolderNames
from lora_mixer_app.serving.presence import Presence
from lora_mixer_app.web.i18n import I18N
from lora_mixer_app.web.logins import user_of
from lora_mixer_app.web.page import build_page
from lora_mixer_app.web.panes.door import PanesDoor
from lora_mixer_app.web.panes.questions import Panes
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.theme import HEAD, THEME

LARGEST_UPLOAD = "20mb"
NAP = 0.01
"""Seconds between two looks at whether somebody asks for something; of Gradio's own 0.001 a server that does nothing wakes 900 times a second."""
THREADS = 256
"""Calls that wait or work at a time. Waiting costs next to nothing, and one caller has `MOST_CALLS` at most."""


QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_SSR_MODE": "False",
}
"""What Gradio hears from its surroundings, whatever its version knows as an argument; set, whoever set it otherwise.

The queue would sum up ten thousand events, with pandas, after each of them; the history of runs would stay in the browser.
"""


class App(NamedTuple):
    """What is served.

    Attributes:
        answers: The ASGI app.
        life: What it lives in: entered before its first request.
        state: What all pages share.
    """

    answers: ASGIApp
    life: AbstractAsyncContextManager[object]
    state: AppState


def build_app(mixer: Mixer, folder: Path, *, presence: Presence, logins: Sequence[tuple[str, str]] = ()) -> App:
    """Return the page over an open mixer.

    Args:
        mixer: What renders.
        folder: Where pictures, their history and saved mixes are kept.
        presence: The book of who is listening, which whoever serves the app keeps.
        logins: Names and passwords; without any, nobody is asked for one.
    """
    folder = folder.absolute()
    state = AppState(mixer, folder)
    state.presence = presence
    os.environ.update(QUIET)
    gr.set_static_paths(list(state.served))
    page = build_page(state)
    page.max_threads = THREADS
    page.queue(max_size=None, default_concurrency_limit=None, api_open=False)
    outer = Starlette()
    gr.mount_gradio_app(
        cast("Any", outer),
        page,
        path="",
        auth=list(logins) or None,
        show_error=False,
        enable_monitoring=False,
        mcp_server=False,
        footer_links=[],
        max_file_size=LARGEST_UPLOAD,
        i18n=I18N,
        theme=THEME,
        head=HEAD,
        app_kwargs={"middleware": _door(state, page, folder, must_log_in=bool(logins))},
    )
    page._queue.sleep_when_free = NAP  # noqa: SLF001 Gradio has no option for it
    return App(answers=outer, life=_life(outer), state=state)


def _door(state: AppState, page: gr.Blocks, folder: Path, *, must_log_in: bool) -> list[Middleware]:
    names = FolderNames({"desk": folder, "uploads": Path(get_upload_folder()).absolute()})
    return [
        Middleware(FirstPage, user_of=user_of),
        Middleware(Uploads, who=_caller),
        Middleware(Calls, who=_caller, under_way=partial(calls_under_way, page)),
        Middleware(Questions, who=_caller),
        Middleware(Files, names=names, own=state.owned, shared=state.shared, user_of=user_of),
        Middleware(PanesDoor, panes=Panes.over(state), user_of=user_of, must_log_in=must_log_in, is_near=_is_near),
    ]


def calls_under_way(page: gr.Blocks, who: str) -> int:
    """Return how many calls of somebody wait or work."""
    queue = page._queue  # noqa: SLF001 Gradio offers no other count
    waiting = (event for line in list(queue.event_queue_per_concurrency_id.values()) for event in list(line.queue))
    working = (event for events in list(queue.active_jobs) for event in events or ())
    events = {id(event): event for event in (*waiting, *working)}.values()
    return sum(caller(event.username, _address(event.request.scope)) == who for event in events)


@contextlib.asynccontextmanager
async def _life(app: Starlette) -> AsyncIterator[None]:
    async with app.router.lifespan_context(app):
        yield


def _address(scope: Scope) -> str | None:
    return scope["client"][0] if scope.get("client") else None


def _is_near(scope: Scope) -> bool:
    """Return whether somebody sits at this machine."""
    try:
        return ip_address(_address(scope) or "").is_loopback
    except ValueError:
        return False


def _caller(scope: Scope) -> str:
    return caller(user_of(scope), _address(scope))
