"""What tests do at the fixture `desk`: one page for a module, on which each test begins with a document of its own."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect


def document(page: Page) -> dict[str, Any]:
    """Return the document as the browser keeps it."""
    return page.evaluate("JSON.parse(sessionStorage.getItem('lora-mixer-desk')).history.present")


def add_lora(page: Page, name: str) -> None:
    page.locator("#pick input").fill(name)
    page.keyboard.press("Enter")
    page.get_by_label(f"range slider for {name}").wait_for()


def unfold(page: Page, part: str) -> None:
    if page.locator(part).get_attribute("open") is None:
        page.locator(f"{part} > summary").click()


def generate(page: Page) -> str:
    """Render, and return the address of the picture that is on the screen then."""
    picture = page.locator("#picture .main-picture")
    before = picture.get_attribute("src")
    page.locator("#go").click()
    expect(picture).to_have_attribute("src", re.compile(r"pictures/.*\.png$"))
    if before:
        expect(picture).not_to_have_attribute("src", before)
    expect(page.locator("#go")).to_have_text("Generate")
    settled(page)
    return str(picture.get_attribute("src"))


def settled(page: Page) -> None:
    """Wait until the tools act on the picture that is on the screen: for a moment they mean the one before it."""
    expect(page.locator("#picture .tools")).to_have_attribute("aria-busy", "false")


def drag(page: Page, target: Locator, *way: tuple[float, float], hold: bool = False) -> None:
    """Drag over an element that stands still by now, along places in fractions of its sides; let go unless it is to be held."""
    target.hover(trial=True)
    box = target.bounding_box()
    assert box is not None
    (first, *others) = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in way]
    page.mouse.move(*first)
    page.mouse.down()
    for x, y in others:
        page.mouse.move(x, y, steps=3)
    if not hold:
        page.mouse.up()


def unfold_pad(page: Page) -> None:
    """Unfold the mix pad, and wait for the saved mixes, which stand above it."""
    with page.expect_response(lambda answer: '"mixes.list"' in (answer.request.post_data or "")):
        unfold(page, "#pad-part")
