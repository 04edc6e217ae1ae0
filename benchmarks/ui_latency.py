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
from urllib.error import URLError

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.report import Row, finish, row

PAGES = 5
RELEASES = 30
READY, FIRST = 3.0, 0.5  # seconds
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
WATCH = """
() => {
    window.waits = [];
    const status = document.querySelector('#status');
    const step = () => Number(status.innerText.match(/Step (\\d+)/)?.[1] ?? Infinity);
    let released = null, begun = false, before = null, last = step();
    document.addEventListener('pointerup', event => {
        if (event.target.type !== 'range') return;
        [released, begun, before] = [performance.now(), false, document.querySelector('#picture img').src];
    }, true);
    new MutationObserver(() => {
        if (step() < last) begun = true;
        last = step();
    }).observe(status, {subtree: true, childList: true, characterData: true});
    document.querySelector('#picture').addEventListener('load', event => {
        if (released === null || !begun || event.target.src === before) return;
        window.waits.push(performance.now() - released);
        released = null;
    }, true);
}
"""
"""From a pointer let go on a slider to the first picture of the new render, decoded by the browser."""


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


def first_previews(page: Page, url: str) -> list[float]:
    """Return the seconds from each release of a slider to the first new picture on the screen."""
    page.goto(url)
    page.wait_for_selector("#no-strips")
    page.locator("#pick input").click()
    page.get_by_role("option", name="line_art", exact=True).click()
    page.evaluate("document.activeElement.blur()")
    slider = page.get_by_label("range slider for line_art")
    slider.scroll_into_view_if_needed()
    page.wait_for_selector("#picture img")
    page.evaluate(WATCH)
    for number in range(RELEASES):
        box = slider.bounding_box()
        assert box is not None
        place = 0.15 + 0.7 * (number * 7 % RELEASES / RELEASES)  # never twice the same value in a row
        page.mouse.click(box["x"] + box["width"] * place, box["y"] + box["height"] / 2)
        page.wait_for_function("count => window.waits.length >= count", arg=number + 1)
        page.wait_for_timeout(300)  # the render goes on: the next release cancels it, as people do
    return [float(wait) / 1000 for wait in page.evaluate("window.waits")]


def measure() -> list[Row]:
    """Return both, each against its limit."""
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        ready = [page_ready(browser, url) for _ in range(PAGES)]
        waits = first_previews(browser.new_page(viewport={"width": 1280, "height": 1400}), url)
        browser.close()
    return [
        row("page opened to desk drawn, embedded model", statistics.median(ready), "limit", READY, bar=1.0),
        row("slider let go to first new preview, embedded model", statistics.median(waits), "limit", FIRST, bar=1.0),
        row("the same, the slowest of all", max(waits), "limit", FIRST),
    ]


if __name__ == "__main__":
    finish(measure())
