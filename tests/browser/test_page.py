"""The page in a real browser, over the embedded model."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT = 120_000  # milliseconds

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install Debian's package `chromium`"),
]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    log = tmp_path_factory.mktemp("ui") / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "lora_mixer_app", "ui", "--port", str(port)], stdout=out, stderr=out
        )
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except (URLError, ConnectionError, TimeoutError):
                assert server.poll() is None, log.read_text()
                time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(WAIT)
    opened.goto(address)
    opened.wait_for_selector("#go")
    yield opened
    opened.close()


def add_lora(page: Page, name: str) -> None:
    page.locator("#pick input").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.evaluate("document.activeElement.blur()")
    page.get_by_label(f"range slider for {name}").wait_for()


def generate(page: Page) -> str:
    """Press Generate, wait until the picture is done, and return its address."""
    before = page.locator("#picture img").get_attribute("src") if page.locator("#picture img").count() else ""
    page.locator("#go").click()
    page.wait_for_function(
        """before => {
            const image = document.querySelector('#picture img');
            return image && image.src.endsWith('.png') && image.src !== before
                && document.querySelector('#status').innerText.includes('Seed');
        }""",
        arg=before,
    )
    return str(page.locator("#picture img").get_attribute("src"))


def bytes_of(page: Page, url: str) -> bytes:
    return page.request.get(url).body()


def test_two_loras_are_mixed_with_sliders_and_the_picture_follows(page: Page, tmp_path: Path) -> None:
    page.locator("#steps input[type=number]").fill("4")
    page.locator("#prompt textarea").fill("red heart")
    plain = bytes_of(page, generate(page))
    add_lora(page, "night_sky")
    add_lora(page, "line_art")
    page.get_by_label("range slider for night_sky").fill("1")
    page.get_by_label("range slider for line_art").fill("0")
    night = bytes_of(page, generate(page))
    page.get_by_label("range slider for line_art").fill("1")
    both = bytes_of(page, generate(page))
    assert len({plain, night, both}) == 3
    page.screenshot(path=tmp_path / "desk.png")


def test_the_picture_that_is_downloaded_says_what_made_it(page: Page) -> None:
    page.locator("#steps input[type=number]").fill("2")
    picture = bytes_of(page, generate(page))
    assert picture.startswith(b"\x89PNG")
    assert b"parameters" in picture
    assert b"lora-mixer" in picture


def test_an_error_is_a_notice_with_the_remedy(page: Page) -> None:
    page.locator("#prompt textarea").fill("cat <lora:nightsky:1>")
    page.locator("#go").click()
    page.get_by_text("night_sky").last.wait_for()
    assert "nightsky" in page.locator("[data-testid=toast-body]").inner_text()


def test_cancel_stops_a_render(page: Page) -> None:
    page.locator("#steps input[type=number]").fill("100")
    page.locator("#go").click()
    page.wait_for_function("() => document.querySelector('#status').innerText.includes('Step')")
    page.locator("#stop").click()
    page.get_by_text("Cancelled").wait_for()
    page.locator("#steps input[type=number]").fill("2")
    generate(page)


def test_nothing_is_asked_of_any_other_machine(browser: Browser, address: str) -> None:
    asked: set[str] = set()
    page = browser.new_page()
    page.on("request", lambda request: asked.add(urlsplit(request.url).hostname or ""))
    page.goto(address)
    page.wait_for_selector("#go")
    page.close()
    assert asked <= {"127.0.0.1", ""}
