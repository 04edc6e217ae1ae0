"""How long people wait at the page: until it can be used, and from a slider let go to the first new preview.

    python -m benchmarks.ui_latency benchmarks/ui_results.json

One server over the embedded model at its own 20 steps, one headless Chromium (Debian's `chromium`) on the same machine,
an older render still under way at every release. What ours is held against is a limit, not a peer.
"""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

from playwright.sync_api import Browser, Locator, Page, ViewportSize, sync_playwright

from benchmarks.report import Row, finish, row

PAGES = 5
RELEASES = 30
FINALS = 8
READY, SEEN, FIRST, BEYOND = 1.5, 0.05, 0.35, 0.2  # seconds
_KINDS = ("seen", "final", "bare")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
WATCH = (Path(__file__).parent / "ui_latency.js").read_text()
"""From a pointer let go on a slider to the first picture of the new render and to the last, and from a gesture to its sight."""


@contextmanager
def served() -> Iterator[str]:
    """Serve the page on a free port until the block ends."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "lora_mixer_app", "ui", "--port", str(port), "--output", folder]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while True:
                try:
                    with urllib.request.urlopen(url, timeout=5) as answer:
                        if "retry-after" not in answer.headers:  # the desk, not what stands before it
                            break
                except (URLError, ConnectionError, TimeoutError):
                    if server.poll() is not None:
                        raise RuntimeError("the server ended") from None
                time.sleep(0.2)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)


def page_ready(browser: Browser, url: str) -> float:
    """Return the seconds until the desk is drawn in a new tab."""
    page = browser.new_page()
    started = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("#no-strips")
    seconds = time.perf_counter() - started
    page.close()
    return seconds


class Waits(NamedTuple):
    """Seconds at one desk, one for each release of a slider.

    Attributes:
        seen: From a gesture to the frame that shows it.
        first: To the first new picture, an older render still under way.
        final: To the finished picture, nothing else under way.
        bare: What the render alone took, as its record says.
    """

    seen: list[float]
    first: list[float]
    final: list[float]
    bare: list[float]


def desk_waits(page: Page, url: str, *, releases: int) -> Waits:
    """Return how long somebody waits who moves a slider."""
    page.goto(url)
    page.wait_for_selector("#no-strips")
    page.locator("#pick input").fill("line_art")
    page.keyboard.press("Enter")
    slider = page.get_by_label("range slider for line_art")
    slider.scroll_into_view_if_needed()
    page.evaluate(WATCH)
    page.wait_for_function("() => window.waits.rested()")
    for number in range(releases):
        _release(page, slider, number)
        page.wait_for_function("count => window.waits.first.length >= count", arg=number + 1)
        page.wait_for_timeout(300)  # the render goes on: the next release cancels it, as people do
    first = [float(wait) / 1000 for wait in page.evaluate("window.waits.first")]
    for number in range(FINALS):
        page.wait_for_function("() => window.waits.rested()")
        _release(page, slider, releases + number)
        page.wait_for_function("count => window.waits.final.length >= count", arg=number + 1)
    seen, final, bare = ([float(wait) / 1000 for wait in page.evaluate(f"window.waits.{kind}")] for kind in _KINDS)
    return Waits(seen, first, final[-FINALS:], bare[-FINALS:])


def _release(page: Page, slider: Locator, number: int) -> None:
    box = slider.bounding_box()
    assert box is not None
    place = 0.15 + 0.7 * (number * 7 % RELEASES / RELEASES)  # never twice the same value in a row
    page.mouse.click(box["x"] + box["width"] * place, box["y"] + box["height"] / 2)


def measure() -> list[Row]:
    """Return all waits, each against its limit."""
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        ready = [page_ready(browser, url) for _ in range(PAGES)]
        size = ViewportSize(width=1440, height=900)
        alone = desk_waits(browser.new_page(viewport=size), url, releases=RELEASES)
        other = browser.new_page(viewport=size)
        other.goto(url)
        other.locator("#steps input[type=text]").fill("100")
        other.locator("#endless input").check()
        other.locator("#go").click()
        beside = desk_waits(browser.new_page(viewport=size), url, releases=FINALS)
        browser.close()
    beyond = statistics.median(final - bare for final, bare in zip(alone.final, alone.bare, strict=True))
    return [
        row("page opened to desk drawn, embedded model", statistics.median(ready), "limit", READY, bar=1.0),
        row("gesture to its sight", statistics.median(alone.seen), "limit", SEEN, bar=1.0),
        row(
            "slider let go to first new preview, embedded model",
            statistics.median(alone.first),
            "limit",
            FIRST,
            bar=1.0,
        ),
        row("the same, the slowest of all", max(alone.first), "limit", FIRST),
        row("slider let go to final picture, beyond the bare render", beyond, "limit", BEYOND, bar=1.0),
        row("gesture to its sight while another tab renders", statistics.median(beside.seen), "limit", SEEN, bar=1.0),
        row(
            "slider let go to first new preview while another tab renders",
            statistics.median(beside.first),
            "limit",
            FIRST,
            bar=1.0,
        ),
    ]


if __name__ == "__main__":
    finish(measure())
