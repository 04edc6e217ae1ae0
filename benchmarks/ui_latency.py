"""How long people wait at the page: until it can be used, and from a slider let go to the first new preview.

    python -m benchmarks.ui_latency

One server over the embedded model, one headless Chromium (Debian's `chromium`), nothing else measured beside it. The
clock of both numbers is the browser's.
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

PAGES = 5
RELEASES = 15
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
WATCH = """
() => {
    window.waits = [];
    let released = null;
    document.addEventListener('pointerup', event => {
        if (event.target.type === 'range') released = performance.now();
    }, true);
    new MutationObserver(() => {
        if (released === null) return;
        window.waits.push(performance.now() - released);
        released = null;
    }).observe(document.querySelector('#picture'), {subtree: true, attributes: true, attributeFilter: ['src'],
        childList: true});
}
"""


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
                    urllib.request.urlopen(url, timeout=5).close()
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
        page.mouse.click(box["x"] + box["width"] * (0.3 + 0.025 * number), box["y"] + box["height"] / 2)
        page.wait_for_function("count => window.waits.length >= count", arg=number + 1)
        page.wait_for_timeout(300)  # the render goes on: the next release cancels it, as people do
    return [float(wait) / 1000 for wait in page.evaluate("window.waits")]


def main() -> None:
    """Measure and print both."""
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        ready = [page_ready(browser, url) for _ in range(PAGES)]
        waits = first_previews(browser.new_page(viewport={"width": 1280, "height": 1400}), url)
        browser.close()
    for what, seconds in (("page ready", ready), ("slider let go to first preview", waits)):
        print(
            f"{what}: median {statistics.median(seconds):.2f} s, "
            f"from {min(seconds):.2f} to {max(seconds):.2f} s, {len(seconds)} times"
        )


if __name__ == "__main__":
    main()
