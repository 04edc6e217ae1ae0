"""What tests do at the fixture `desk`: one page for a module, on which each test begins with a document of its own."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect


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
    return str(picture.get_attribute("src"))
