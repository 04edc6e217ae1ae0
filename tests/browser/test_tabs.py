"""The tabs beside the desk in a real browser, over the embedded model."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from gradio_client import Client
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page, Route, expect

from lora_mixer.images import read_picture
from tests.browser.conftest import BROWSER, WAIT, Log, nameless
from tests.browser.desk_page import add_lora, document
from tests.browser.english import english_on, latin_marks_on

pytestmark = BROWSER

NOTICED = """
window.noticed = [];
new MutationObserver(() => {
    const notice = document.querySelector('.notice'), text = notice?.innerText;
    if (text && window.noticed.at(-1) !== text) window.noticed.push(text);
    if (text) window.letters = getComputedStyle(notice).fontFamily;
}).observe(document, { childList: true, subtree: true });
"""
"""What the page said at its bottom, which goes again by itself, and in which letters."""
NARROW = """() => {
    const found = [], letters = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (letters.nextNode()) {
        const text = letters.currentNode, range = document.createRange();
        if (!/^[\u4e00-\u9fff]+$/.test(text.data) || !text.parentElement.checkVisibility()) continue;
        range.selectNodeContents(text);
        const width = [...range.getClientRects()].reduce((sum, line) => sum + line.width, 0);
        const whole = text.length * parseFloat(getComputedStyle(text.parentElement).fontSize);
        if (width && width < 0.95 * whole) found.push(text.data);
    }
    return found;
}"""
"""Chinese texts that are not as wide as their letters are high: boxes."""
SLOW = """() => setInterval(() => {
    const end = performance.now() + 400;
    while (performance.now() < end);
}, 410)"""
HOSTILE = "<img src=x onerror='window.__x=1'><script>window.__x=1</script>"


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def bytes_of(page: Page, url: str) -> bytes:
    return page.request.get(url).body()


def choose_lora(page: Page, name: str) -> None:
    page.locator("#sheet-columns-lora input").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.evaluate("document.activeElement.blur()")
    expect(page.get_by_test_id("dropdown-option")).to_have_count(0)  # the list fades away


def render_sheet(page: Page) -> None:
    """Make a sheet of three pictures: without a LoRA, at half, at full strength; nothing is rendered by itself."""
    page.locator("#live input").set_checked(False)
    page.locator("#prompt textarea").fill("blue heart")
    page.locator("#steps input[type=text]").first.fill("2")
    page.locator("#seed input").fill("11")
    open_tab(page, "Sheets")
    expect(page.locator("#sheet-base textarea")).to_have_value(re.compile("blue heart.*seed 11, steps 2", re.DOTALL))
    choose_lora(page, "shiny")
    page.locator("#sheet-columns-values").locator("textarea, input").first.fill("0.5-1 [2]")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#sheet-status")).to_contain_text("3 of 3 pictures in", timeout=4 * WAIT)


def test_a_lora_that_is_chosen_before_the_tabs_first_answer_comes_stays_chosen(page: Page) -> None:
    page.locator("#live input").set_checked(False)
    add_lora(page, "sepia")
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "sepia" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/gradio_api/run/**", hold)
    with page.expect_request(lambda request: "/run/" in request.url and "sepia" in (request.post_data or "")):
        open_tab(page, "Sheets")
    choose_lora(page, "shiny")
    page.locator("#sheet-rows input").click()
    page.get_by_role("option", name="strength of a LoRA", exact=True).click()
    for route in held:
        route.continue_()
    expect(page.locator("#sheet-base textarea")).to_have_value(re.compile("sepia:1"))
    expect(page.locator("#sheet-rows-lora input")).to_have_value("sepia")  # where none is chosen, the desk's is
    expect(page.locator("#sheet-columns-lora input")).to_have_value("shiny")


def test_a_sheet_is_made_and_a_click_on_a_cell_lays_its_settings_on_the_desk(
    page: Page, tmp_path: Path, pictures: Path
) -> None:
    render_sheet(page)
    cells = page.locator("#sheet-cells img")
    expect(cells).to_have_count(3)
    page.get_by_text("no shiny").first.wait_for()
    page.screenshot(path=pictures / "sheet.png", full_page=True)
    archive = bytes_of(page, str(page.locator("#sheet-files a[href*='.zip']").first.get_attribute("href")))
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert sorted(packed.namelist()) == ["0000.png", "0001.png", "0002.png", "grid.png"]
    open_tab(page, "Desk")
    page.locator("#steps input[type=text]").first.fill("7")
    open_tab(page, "Sheets")
    cells.nth(2).click()
    page.get_by_role("dialog").get_by_role("button", name="Send to desk").click()
    expect(page.locator("#prompt textarea")).to_have_value("blue heart")
    expect(page.locator("#steps input[type=text]").first).to_have_value("2")
    page.get_by_label("range slider for shiny").wait_for()


def test_a_run_is_found_again_and_goes_on_after_the_page_was_loaded_anew(page: Page, pictures: Path) -> None:
    render_sheet(page)
    page.reload()
    page.wait_for_selector("#no-strips")
    open_tab(page, "Sheets")
    page.locator("#sheet-earlier input").click()
    page.get_by_role("option", name="-sheet (3/3)").first.click()
    expect(page.locator("#sheet-cells img")).to_have_count(3)
    page.locator("#sheet-resume").click()
    expect(page.locator("#sheet-status")).to_contain_text("3 of 3 pictures in")
    page.screenshot(path=pictures / "resumed.png", full_page=True)


def test_a_picture_that_is_dropped_back_gives_the_same_settings(page: Page, tmp_path: Path, pictures: Path) -> None:
    render_sheet(page)
    picture = tmp_path / "cell.png"
    picture.write_bytes(bytes_of(page, page.locator("#sheet-cells img").last.evaluate("image => image.src")))
    made = read_picture(picture).request
    open_tab(page, "PNG info")
    page.locator("#info-file input[type=file]").set_input_files(picture)
    expect(page.locator("#info-source")).to_contain_text("LoRA Mixer")
    expect(page.locator("#info-table")).to_contain_text("shiny: unet 1")
    expect(page.locator("#info-differences textarea")).to_have_value("Nothing: this machine can make the same picture.")
    page.screenshot(path=pictures / "info.png", full_page=True)
    page.locator("#info-send").click()
    page.get_by_label("range slider for shiny").wait_for()
    expect(page.locator("#prompt textarea")).to_have_value("blue heart")
    expect(page.locator("#steps input[type=text]").first).to_have_value(str(made.steps))


def test_settings_reach_the_desk_of_a_slow_page_while_pictures_stream_in(page: Page, address: str) -> None:
    path, _ = Client(address, verbose=False).predict(
        "a walnut", loras={"sepia": 0.5}, seed=8, steps=1, api_name="/render"
    )
    page.locator("#live input").set_checked(False)
    page.locator("#pictures-count input").fill("9")
    page.locator("#steps input[type=text]").first.fill("100")
    page.locator("#go").click()
    expect(page.locator("#status")).to_contain_text("Step")
    page.evaluate(SLOW)  # so that it hears of many steps at once
    open_tab(page, "PNG info")
    page.locator("#info-file input[type=file]").set_input_files(path)
    expect(page.locator("#info-table")).to_contain_text("a walnut")
    page.locator("#info-send").click()
    expect(page.locator("#prompt textarea")).to_have_value("a walnut")
    expect(page.locator("#go")).to_have_text("Cancel")  # they streamed in until then


def test_what_a_picture_says_is_never_run(page: Page, tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", f"{HOSTILE}\nSteps: 4, Sampler: {HOSTILE}, Seed: 1, CFG scale: 3, Size: 64x64")
    Image.new("RGB", (8, 8)).save(path := tmp_path / "hostile.png", pnginfo=info)
    open_tab(page, "PNG info")
    page.locator("#info-file input[type=file]").set_input_files(path)
    expect(page.locator("#info-table")).to_contain_text("onerror")
    assert page.evaluate("window.__x") is None


def test_loras_are_compared_and_a_mix_that_is_too_strong_is_said(page: Page, pictures: Path) -> None:
    page.locator("#live input").uncheck()
    page.locator("#prompt textarea").fill("cat <lora:line_art:2> <lora:night_sky:1.5>")
    page.get_by_label("range slider for night_sky").wait_for()
    open_tab(page, "Inspect")
    page.locator("#inspect-take").click()
    expect(page.locator("#inspect-strengths").locator("textarea, input").first).to_have_value("2, 1.5")
    page.locator("#inspect-go").click()
    expect(page.locator("#inspect-plots table.cosines").first).to_contain_text("night_sky", timeout=4 * WAIT)
    expect(page.locator("#inspect-summary textarea")).to_have_value(re.compile("pictures may break"))
    page.screenshot(path=pictures / "inspect.png", full_page=True)


def test_metadata_are_text(page: Page) -> None:
    open_tab(page, "Inspect")
    page.locator("#inspect-pick input").click()
    page.get_by_role("option", name="strange", exact=True).click()
    page.evaluate("document.activeElement.blur()")
    expect(page.get_by_test_id("dropdown-option")).to_have_count(0)
    page.locator("#inspect-go").click()
    expect(page.locator("#inspect-metadata")).to_contain_text("window.hit = 1")
    assert page.evaluate("window.hit") is None


def test_what_is_wrong_stands_beside_its_field_and_goes_when_it_is_right(page: Page) -> None:
    open_tab(page, "Sheets")
    expect(page.locator("#sheet-base textarea")).to_have_value(re.compile("steps"))
    choose_lora(page, "sepia")
    values = page.locator("#sheet-columns-values").locator("textarea, input").first
    values.fill("0 to <b>1")
    page.locator("#sheet-go").click()
    wrong = page.locator("#sheet-columns-wrong")
    expect(wrong).to_contain_text("'0 to <b>1' is no number")
    expect(wrong).to_contain_text("0..1:5 is five values from 0 to 1")
    expect(values).to_have_attribute("aria-invalid", "true")
    page.locator("#sheet-resume").click()
    expect(page.locator("#sheet-earlier-wrong")).to_contain_text("no earlier run is chosen")
    expect(wrong).to_be_hidden()
    open_tab(page, "Prompt file")
    page.locator("#batch-go").click()
    expect(page.locator("#batch-wrong")).to_contain_text("there is no prompt")
    open_tab(page, "Inspect")
    page.locator("#inspect-go").click()
    expect(page.locator("#inspect-pick-wrong")).to_contain_text("no LoRA is chosen")
    assert page.locator("[data-testid=toast-body], .notice").count() == 0


@pytest.mark.parametrize("on_desk", ["line_art", ""])
def test_a_lora_that_is_typed_before_the_sheet_knows_the_desk_is_the_one_that_is_chosen(
    page: Page, on_desk: str
) -> None:
    if on_desk:
        add_lora(page, on_desk)
    held: list[Route] = []
    page.route("**/gradio_api/run/predict*", lambda route: held.append(route))
    open_tab(page, "Sheets")
    lora = page.locator("#sheet-columns-lora input")
    lora.click()
    lora.press_sequentially("sep")
    page.unroute("**/gradio_api/run/predict*")  # lets those go that were held
    expect(page.locator("#sheet-base textarea")).to_have_value(re.compile(f"{on_desk}(?s:.*)steps"))
    lora.press_sequentially("ia", delay=200)
    page.keyboard.press("Enter")
    expect(lora).to_have_value("sepia")
    page.locator("#sheet-columns-values textarea").fill("0.5")
    page.locator("#sheet-go").click()
    expect(page.locator("#sheet-cells .cell").last).to_have_attribute("title", re.compile("sepia"), timeout=4 * WAIT)


def test_every_tab_speaks_chinese_names_its_controls_and_asks_nobody_else(
    browser: Browser, untouched_address: str, pictures: Path
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 844}, locale="zh-CN")
    page.set_default_timeout(WAIT)
    log = Log(page)
    page.add_init_script(NOTICED)
    late: list[Route] = []
    page.route("**/fonts/cjk.woff2", lambda route: late.append(route))
    page.goto(untouched_address)
    page.wait_for_selector("#no-strips", timeout=2 * WAIT)
    there = page.evaluate("async () => (await import('/page/common/fonts.js')).hasChinese()")
    if there:
        assert page.evaluate("window.noticed") == []
    else:
        page.wait_for_function("() => window.noticed.some(text => text.includes('fonts-noto-cjk'))")
        page.wait_for_function("() => window.letters.includes('LoRA Mixer CJK')")
        assert page.evaluate(NARROW)
    for font in late:
        font.continue_()
    page.unroute("**/fonts/cjk.woff2")
    page.wait_for_function(f"() => !({NARROW})().length")
    page.evaluate("document.querySelector('.notice-close')?.click()")
    expect(page.locator(".notice")).to_have_count(0)
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.locator("#live input").set_checked(False)
    theirs = ("strange", "large", "quick", "sunny", "rainy", "house", "10_name")  # of this server, and examples
    page.locator("#pick input").fill("sepia")
    page.keyboard.press("Enter")
    page.get_by_label("sepia 的滑块").wait_for()
    page.locator(".strip .more").click()
    page.get_by_label("随步数变化").fill("渐强")
    page.get_by_label("随步数变化").press("Enter")
    assert document(page)["strips"][0]["curve"] == "fade in"
    for part in page.locator("#mix-pane > details, #mix-pane details").all():
        part.evaluate("one => { one.open = true; }")
    page.locator("#balance").wait_for()
    page.locator("#steps input[type=text]").first.fill("1")
    page.locator("#prompt textarea").fill("心 <lora:pix")
    expect(page.locator("#prompt .wrong")).not_to_be_empty()
    assert english_on(page, *theirs) == []
    assert latin_marks_on(page) == []
    page.locator("#prompt textarea").fill("心")
    for tab, text in (
        ("对比图表", "并排比较图片"),
        ("提示词文件", "批量提示词文件"),
        ("图片信息", "将图片拖放到此处"),
        ("检查 LoRA", "查看 LoRA 的内容"),
        ("训练", "用您的图片训练"),
    ):
        open_tab(page, tab)
        page.get_by_text(text).wait_for()
        for closed in page.locator(".label-wrap:not(.open)").all():
            if closed.is_visible():
                closed.click()
        if tab == "对比图表":
            choose_lora(page, "shiny")
            page.locator("#sheet-columns-values").locator("textarea, input").first.fill("1")
            page.locator("#sheet-go").click()
            expect(page.locator("#sheet-cells .cell img")).to_have_count(2, timeout=4 * WAIT)
            expect(page.locator("#sheet-files td")).not_to_have_count(0)
        if tab == "训练":
            page.locator("#train-name").fill("试")
            page.locator("#train-new").click()
            page.locator("#train-body[data-training='试']").wait_for()
        assert nameless(page) == []
        assert english_on(page, *theirs) == []
        assert latin_marks_on(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    open_tab(page, "对比图表")
    page.screenshot(path=pictures / "chinese.png", full_page=True)
    asked = page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)")
    assert not [name for name in asked if name.startswith("/page/tabs/")]  # nothing comes twice
    assert log.is_clean(), (log.hosts, log.errors)
    open_tab(page, "训练")
    page.locator("#train-go").click()
    expect(page.locator("[data-wrong=begin]")).to_contain_text("没有可学习的图片")
    assert english_on(page, *theirs) == []
    page.close()
