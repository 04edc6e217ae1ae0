"""The page served from a thread of the tests' own process, on a free port of this machine."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from lora_mixer import Mixer
from lora_mixer_app.web.server import Server

ARGUMENTS = 12
"""Of `/render`; without a client that knows its defaults, all of them have to be sent."""

OTHER = "127.0.0.2"
"""Another address of this machine, for a second caller."""


@contextmanager
def served(open_mixer: Callable[[], Mixer], folder: Path, **options: Any) -> Iterator[Server]:
    """Serve a page; on the way out it is stopped."""
    server = Server(open_mixer, folder, model="emoji", host="127.0.0.1", port=0, say=lambda _: None, **options)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    try:
        yield server
    finally:
        server.stop()
        running.join(60)


def wait_until_ready(url: str) -> None:
    """Wait until the page is there, and no longer only what stands before it."""
    for _ in range(1200):
        if "retry-after" not in httpx.get(url).headers:
            return
        time.sleep(0.05)
    raise TimeoutError(url)


@contextmanager
def caller(url: str, *, address: str | None = None, login: tuple[str, str] | None = None) -> Iterator[httpx.Client]:
    """Call a page from an address of this machine, logged in if the caller has a name."""
    with httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address=address), timeout=120) as client:
        if login is not None:
            assert client.post("/login", data={"username": login[0], "password": login[1]}).status_code == 200
        yield client


def ask(client: httpx.Client, api: str, *data: object) -> httpx.Response:
    """Ask an endpoint for something; the answer holds the event's id."""
    return client.post(f"/gradio_api/call/{api}", json={"data": [*data, *[None] * (ARGUMENTS - len(data))]})


def heard(client: httpx.Client, api: str, event: str) -> tuple[str, Any]:
    """Listen until a call has ended; return `complete` or `error`, and what it answered."""
    kind = ""
    with client.stream("GET", f"/gradio_api/call/{api}/{event}") as lines:
        for line in lines.iter_lines():
            name, _, text = line.partition(": ")
            if name == "event":
                kind = text
            elif kind in {"complete", "error"}:
                return kind, json.loads(text)
    raise AssertionError("nothing was answered")


def render(client: httpx.Client, *data: object) -> tuple[str, Any]:
    """Render a picture with `/render`, and return what came of it."""
    return heard(client, "render", ask(client, "render", *data).json()["event_id"])
