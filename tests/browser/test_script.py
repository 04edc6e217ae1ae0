"""The laws of the page's script, in the browser that it runs in; its modules are served as they are, without the page."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from lora_mixer_app.web.server import STATIC
from tests.browser.conftest import BROWSER

pytestmark = BROWSER
LAWS = Path(__file__).parent / "laws.js"
SEED = 26


class _Handler(SimpleHTTPRequestHandler):
    """Serves the page's own files, and the laws beside them."""

    def translate_path(self, path: str) -> str:
        return str(LAWS) if path == "/laws.js" else super().translate_path(path)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page from which the modules can be imported."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, directory=str(STATIC))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/desk.html")
        yield page
        page.close()
        server.shutdown()


def law(page: Page, name: str, *values: int) -> object:
    """Call a function of the laws, which throws where one is broken."""
    return page.evaluate("async ([name, values]) => (await import('/laws.js'))[name](...values)", [name, list(values)])


def test_undo_inverts_whatever_was_done(modules: Page) -> None:
    assert law(modules, "historyLaws", SEED, 40, 60) == 2400


def test_a_preset_has_a_way_back(modules: Page) -> None:
    law(modules, "presetLaws")


def test_a_sampler_leaves_out_what_it_cannot_take(modules: Page) -> None:
    law(modules, "samplerLaws")


def test_the_order_of_answers_never_matters(modules: Page) -> None:
    law(modules, "answerLaws", SEED, 200)


def test_numbers_weights_completions_and_corners(modules: Page) -> None:
    law(modules, "smallLaws")


def test_the_focus_is_never_lost(modules: Page) -> None:
    modules.keyboard.press("Tab")
    law(modules, "focusLaws")


def test_regions_follow_their_strips(modules: Page) -> None:
    law(modules, "regionLaws")


def test_strengths_ways_grids_and_methods(modules: Page) -> None:
    law(modules, "mixingLaws")
