"""The page's modules served as they are, without the page, and functions of tests that import them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page

from lora_mixer_app.web.files import STATIC

HERE = Path(__file__).parent
SCRIPTS = ("laws.js", "late_answers.js")


class _Handler(SimpleHTTPRequestHandler):
    """Serves the page's own files, and the scripts of tests beside them."""

    def translate_path(self, path: str) -> str:
        name = path.removeprefix("/")
        return str(HERE / name) if name in SCRIPTS else super().translate_path(path)

    def log_message(self, *_: object) -> None:
        pass


class Script(NamedTuple):
    """A script of tests, in a page of its own."""

    page: Page
    name: str

    def call(self, function: str, *values: int) -> object:
        """Call a function of the script, which throws where something is wrong."""
        call = "async ([script, name, values]) => (await import(script))[name](...values)"
        return self.page.evaluate(call, [f"/{self.name}", function, list(values)])


@contextmanager
def script_page(browser: Browser, name: str) -> Iterator[Script]:
    """Open a page from which a script of tests can import the page's modules."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(STATIC))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/desk.html")
        yield Script(page, name)
        page.close()
        server.shutdown()
