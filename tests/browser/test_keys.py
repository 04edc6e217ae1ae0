"""The keyboard alone mixes, makes, deletes and brings back a picture; the focus is always seen, and never lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import BROWSER, WAIT

pytestmark = BROWSER
FARTHEST = 400
"""Presses of Tab from one stop of the walk to the next."""
SEEN = """() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
}"""


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(WAIT)
    opened.goto(address)
    opened.locator("#no-strips").wait_for()
    yield opened
    opened.close()


def to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, and check that it is seen."""
    for _ in range(FARTHEST):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            assert page.evaluate(SEEN), f"the focus is not seen on {selector}"
            return
    raise AssertionError(f"{selector} is not reached by keys")


def stays(page: Page) -> None:
    """Check that the focus is somewhere still."""
    expect(page.locator("body")).not_to_be_focused()


def write(page: Page, text: str) -> None:
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def test_a_picture_is_mixed_made_deleted_and_brought_back(page: Page) -> None:
    page.locator("#tab-desk-button").focus()
    to(page, "#prompt textarea")
    write(page, "red heart")
    to(page, "#pick input")
    page.keyboard.type("sepia")
    page.keyboard.press("Enter")
    expect(page.locator(".strip")).to_have_count(1)
    stays(page)
    to(page, ".strip input[type=range]")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".strip .strength")).to_have_value("0.95")
    to(page, ".strip .solo")
    page.keyboard.press("Space")
    expect(page.locator(".strip .solo")).to_have_attribute("aria-pressed", "true")
    to(page, ".strip .more")
    page.keyboard.press("Enter")
    expect(page.locator(".strip .more")).to_have_attribute("aria-expanded", "true")
    to(page, "#steps input[type=text]")
    write(page, "1")
    to(page, "#go")
    expect(page.locator("#go")).to_have_text("Generate")  # what Live began is done
    page.keyboard.press("Enter")
    picture = page.locator("#picture")
    expect(picture).to_have_attribute("data-kind", "picture")
    stays(page)
    page.locator("#tab-desk-button").focus()
    to(page, "#picture")
    to(page, "#pin")
    page.keyboard.press("Enter")
    expect(page.locator("#pin")).to_have_attribute("aria-pressed", "true")
    to(page, "#delete")
    page.keyboard.press("Enter")
    undo = page.locator("#undelete")
    expect(undo).to_be_visible()
    stays(page)
    undo.focus()
    page.keyboard.press("Enter")
    expect(undo).to_be_hidden()
    stays(page)
    to(page, ".strip .remove")
    page.keyboard.press("Enter")
    expect(page.locator(".strip")).to_have_count(0)
    stays(page)
