"""Screenshots of the page for docs/ui.md, over the embedded model.

    python -m benchmarks.ui_screenshots docs/images

One server, one headless Chromium (Debian's `chromium`); small WebP files, made anew whenever the page looks different.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from gradio_client import Client
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from benchmarks.ui_latency import FLAGS, served

QUALITY = 78
WAIT = 120_000  # milliseconds
MADE: tuple[tuple[str, dict[str, float]], ...] = (
    ("red heart", {}),
    ("green apple", {"sepia": 0.6}),
    ("owl", {"night_sky": 0.9, "detail": 0.6}),
    ("house", {"warm_cold": 0.7}),
    ("sun", {"pixel_art": 0.9}),
    ("koala, wearing a top hat", {"top_hat": 0.9, "line_art": 0.6}),
    ("panda, wearing a top hat", {"top_hat": 0.9, "pixel_art": 0.8}),
    ("cat, wearing a top hat", {"top_hat": 0.9, "sepia": 0.7}),
)


class Shot(NamedTuple):
    """A row: the file's name, the screen, the look, the language, and what is on the page."""

    name: str
    width: int
    height: int
    scheme: Literal["dark", "light"]
    language: str
    show: Callable[[Page], None]


def desk(page: Page) -> None:
    """Show two strips and the picture they make."""
    prompt = page.locator("#prompt textarea")
    prompt.fill("fox, wearing a top hat <lora:top_hat:0.9> <lora:night_sky:0.8>")
    page.locator("#go").click()
    page.wait_for_function("() => /Seed|种子/.test(document.querySelector('#status').innerText)")
    prompt.blur()


def history(page: Page) -> None:
    """Show what was made."""
    page.locator("#tab-history-button").click()
    page.locator(".history-open").nth(len(MADE) - 1).wait_for()
    page.wait_for_function("() => [...document.querySelectorAll('.history-card img')].every(image => image.complete)")


SHOTS = (
    Shot("desk-1440-dark", 1440, 900, "dark", "en-US", desk),
    Shot("desk-1920-light", 1920, 1080, "light", "en-US", desk),
    Shot("desk-2560-dark-zh", 2560, 1300, "dark", "zh-CN", desk),
    Shot("desk-390-light-zh", 390, 844, "light", "zh-CN", desk),
    Shot("history-390-dark", 390, 844, "dark", "en-US", history),
)


def take(browser: Browser, url: str, shot: Shot, folder: Path) -> Path:
    """Take one."""
    screen = ViewportSize(width=shot.width, height=shot.height)
    context = browser.new_context(viewport=screen, color_scheme=shot.scheme, locale=shot.language)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(url)
    page.locator("#go").wait_for()
    shot.show(page)
    page.evaluate("document.fonts.ready")
    path = folder / f"{shot.name}.webp"
    with Image.open(io.BytesIO(page.screenshot())) as image:
        image.convert("RGB").save(path, quality=QUALITY, method=6)
    context.close()
    return path


def main(folder: Path) -> None:
    """Take all."""
    folder.mkdir(parents=True, exist_ok=True)
    with served() as url, sync_playwright() as playwright:
        client = Client(url, verbose=False)
        for seed, (prompt, loras) in enumerate(MADE):
            client.predict(prompt, loras=loras, seed=seed, api_name="/render")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for shot in SHOTS:
            path = take(browser, url, shot, folder)
            print(f"{path} {path.stat().st_size // 1024} KiB")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
