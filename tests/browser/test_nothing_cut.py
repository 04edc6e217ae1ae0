"""What a page has to say is seen whole: on a phone, too, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import BROWSER, WAIT

pytestmark = BROWSER

TABS = ("desk", "history", "sheets", "prompt_file", "picture_info", "inspect", "train")
NAMES = {
    "en-US": ("Desk", "History", "Sheets", "Prompt file", "PNG info", "Inspect", "Train"),
    "zh-CN": ("调音台", "历史", "对比图表", "提示词文件", "图片信息", "检查 LoRA", "训练"),
}
LINES = """button => {
    const text = document.createRange();
    text.selectNodeContents(button);
    return new Set([...text.getClientRects()].map(({ top }) => Math.round(top))).size;
}"""
"""On how many lines the text of a button stands."""
CUT = """() => {
    const pen = document.createElement('canvas').getContext('2d');
    const shown = field => field.selectedOptions?.[0]?.text ?? (field.role === 'combobox' && field.value || field.placeholder);
    return [...document.querySelectorAll('input[placeholder], input[role=combobox], select')].filter(field => {
        const { font, paddingLeft, paddingRight } = getComputedStyle(field);
        const cross = field.type === 'search' ? 20 : 0; // which empties it
        const room = field.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - cross;
        pen.font = font;
        return field.checkVisibility() && pen.measureText(shown(field)).width > room + 1;
    }).map(field => field.ariaLabel || field.id || field.outerHTML);
}"""
"""Fields whose hint or whose choice is longer than they have room for."""


@pytest.fixture(params=["en-US", "zh-CN"])
def phone(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale=request.param, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.locator("#lora-previews[aria-busy=false] .card-item").first.wait_for()
    page.evaluate("document.fonts.ready")
    yield page, request.param
    context.close()


def test_a_phones_tabs_stand_on_one_line_each_with_a_sign_and_their_whole_name(phone: tuple[Page, str]) -> None:
    page, language = phone
    for tab, name in zip(TABS, NAMES[language], strict=True):
        button = page.get_by_role("tab", name=name, exact=True)
        expect(button).to_have_id(f"tab-{tab}-button")
        assert button.evaluate(LINES) == 1, name
        assert "url(" in button.evaluate("one => getComputedStyle(one, '::before').maskImage"), name
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390, name
    tops = {round(page.locator(f"#tab-{tab}-button").bounding_box()["height"]) for tab in TABS}
    assert len(tops) == 1


def test_a_phone_shows_hints_and_choices_whole(phone: tuple[Page, str]) -> None:
    page, _ = phone
    for tab in TABS:
        page.locator(f"#tab-{tab}-button").click()
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        assert page.evaluate(CUT) == [], tab
    page.locator("#tab-desk-button").click()
    page.locator("details.record > summary").click()
    record = page.locator("#record textarea").bounding_box()
    assert record is not None
    assert record["width"] > 350


def test_the_desks_lists_show_what_is_chosen_whole(browser: Browser, address: str) -> None:
    for language in ("en-US", "zh-CN"):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=language)
        page = context.new_page()
        page.set_default_timeout(WAIT)
        page.goto(address)
        page.locator("#lora-previews[aria-busy=false] .card-item").first.wait_for()
        assert page.evaluate(CUT) == [], language
        context.close()
