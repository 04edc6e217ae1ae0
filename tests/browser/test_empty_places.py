"""Where there is nothing to show yet, a tab says what to do, and keeps no empty boxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import BROWSER, WAIT

pytestmark = BROWSER

RESULTS = ("picture", "send", "table", "differences", "raw")


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(WAIT)
    opened.goto(address)
    opened.locator("#go").wait_for()
    yield opened
    opened.close()


def results(page: Page) -> list[Locator]:
    return [page.locator(f"#info-{name}") for name in RESULTS]


def test_picture_info_is_one_place_to_drop_a_picture_until_there_is_one(
    page: Page, address: str, tmp_path: Path
) -> None:
    path, _ = Client(address, verbose=False).predict("blue star", seed=8, steps=1, api_name="/render")
    page.locator("#tab-picture_info-button").click()
    place = page.locator("#info-file")
    expect(place).to_contain_text("Drop a picture here")
    for result in results(page):
        expect(result).to_be_hidden()
    box = place.bounding_box()
    assert box is not None
    assert box["width"] > 1100, "all of the tab"
    page.locator("#info-file input[type=file]").set_input_files(path)
    for result in results(page):
        expect(result).to_be_visible()
    place.get_by_label("Clear").click()
    for result in results(page):
        expect(result).to_be_hidden()
    Image.new("RGB", (8, 8)).save(silent := tmp_path / "silent.png")
    page.locator("#info-file input[type=file]").set_input_files(silent)
    expect(page.locator("#info-source")).to_contain_text("says nothing about how it was made")
    expect(page.locator("#info-source")).to_contain_text("find the original file")
    expect(page.locator("#info-picture")).to_be_visible()
    for name in ("send", "table", "differences", "raw"):
        expect(page.locator(f"#info-{name}")).to_be_hidden()


def test_picture_info_asks_for_a_picture_in_chinese(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, locale="zh-CN")
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.locator("#tab-picture_info-button").click()
    expect(page.locator("#info-file")).to_contain_text("将图片拖放到此处")
    page.close()


@pytest.mark.parametrize(("tab", "kind"), [("sheets", "sheet"), ("prompt_file", "batch")])
def test_what_a_run_makes_has_its_places_once_it_is_there(page: Page, tab: str, kind: str) -> None:
    page.locator("#live input").set_checked(False)
    page.locator("#steps input[type=text]").first.fill("1")
    page.locator("#prompt textarea").fill("red heart")
    page.locator(f"#tab-{tab}-button").click()
    expect(page.locator(f"#{kind}-go")).to_be_visible()
    whole = page.get_by_role("button", name="The sheet as one picture").locator("visible=true")
    expect(page.locator(f"#{kind}-files")).to_be_hidden()
    expect(whole).to_have_count(0)
    if tab == "sheets":
        expect(page.locator("#sheet-rows-values")).to_be_hidden()  # nothing varies along it
        page.locator("#sheet-columns input").click()
        page.get_by_role("option", name="Seed", exact=True).click()
        page.locator("#sheet-columns-values").locator("textarea, input").first.fill("1, 2")
    else:
        page.locator("#batch-text").fill("red heart --steps 1\nblue star --steps 1")
    page.locator(f"#{kind}-go").click()
    expect(page.locator(f"#{kind}-files")).to_contain_text(".zip", timeout=4 * WAIT)
    whole.click()
    expect(page.locator(f"#{kind}-sheet img")).to_be_visible()
