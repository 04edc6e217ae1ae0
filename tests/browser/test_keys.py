"""The keyboard alone works every tab; the focus is always seen, and never lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

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
    to(page, "#live input")
    page.keyboard.press("Space")
    expect(page.locator("#live input")).not_to_be_checked()  # or it renders whenever a box is left
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


def look_at(page: Page, tab: str) -> None:
    """Choose a tab by keys, once the focus is in their row."""
    page.locator(f"#tab-{tab}-button").focus()
    page.keyboard.press("Enter")


def test_the_other_tabs_are_worked_too(page: Page, tmp_path: Path) -> None:
    page.locator("#live input").set_checked(False)
    page.locator("#steps input[type=text]").fill("1")
    look_at(page, "sheets")
    expect(page.locator("#sheet-base textarea")).to_have_value(re.compile("steps 1"))
    to(page, "#sheet-columns-lora input")
    page.wait_for_timeout(500)  # Gradio's list needs a person's pace: at a machine's it loses an Enter
    page.keyboard.type("sepia", delay=50)
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    expect(page.locator("#sheet-columns-lora input")).to_have_value("sepia")
    to(page, "#sheet-columns-values textarea")
    write(page, "0.5")
    to(page, "#sheet-go")
    page.keyboard.press("Enter")
    cells = page.locator("#sheet-cells .cell")
    expect(cells.locator("img")).to_have_count(2, timeout=4 * WAIT)
    to(page, "#sheet-cells .cell")
    expect(page.locator("#sheet-earlier-wrong")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(cells.last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("sepia 0.5")
    page.keyboard.press("Escape")
    expect(cells.last).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#sheet-cells :focus")).to_have_count(0)
    picture = tmp_path / "cell.png"
    picture.write_bytes(page.request.get(cells.locator("img").last.evaluate("image => image.src")).body())

    look_at(page, "prompt_file")
    to(page, "#batch-text")
    page.keyboard.type("a star --steps 1")
    to(page, "#batch-go")
    page.keyboard.press("Enter")
    to(page, "#batch-earlier input")
    expect(page.locator("#batch-cells img")).to_have_count(1, timeout=4 * WAIT)
    to(page, "#batch-cells .cell")

    look_at(page, "train")
    to(page, "#train-name")
    page.keyboard.type("by keys")
    page.keyboard.press("Enter")
    page.locator("#train-go").wait_for()
    to(page, "#train-go")
    page.keyboard.press("Enter")
    expect(page.locator(".train-wrong", has_text="picture").first).to_be_visible()
    stays(page)
    to(page, "#train-delete")
    page.keyboard.press("Enter")
    expect(page.locator("#train-list li", has_text="by keys")).to_have_count(0)
    stays(page)

    look_at(page, "picture_info")
    to(page, "#info-file button")
    page.locator("#info-file input[type=file]").set_input_files(picture)
    expect(page.locator("#info-table")).to_contain_text("sepia")
    to(page, "#info-send")
    page.keyboard.press("Enter")
    expect(page.locator(".strip .strength")).to_have_value("0.5")
