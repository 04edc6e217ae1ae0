"""Everything around the desk in a real browser: tabs, history, phone, keys, whoever is read to, and what is dropped."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from gradio_client import Client
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Locator, Page, Route, expect

from lora_mixer import Mixer
from lora_mixer.images import read_picture
from tests.browser.conftest import BROWSER, WAIT, Log
from tests.support.served import served, wait_until_ready

pytestmark = BROWSER

TABS = ("desk", "history", "sheets", "prompt_file", "picture_info", "inspect", "train")
HOSTILE = "<img src=x onerror='window.__x=1'><script>window.__x=1</script>"
TOASTS = """() => {
    const seen = [...document.querySelectorAll('[data-testid=toast-body]')].filter(toast => toast.checkVisibility());
    const { x, y } = seen[0]?.getBoundingClientRect() ?? {};
    return seen.length === 1 && x < 40 && y > 450;
}"""
"""Whether one toast is seen, at the bottom left: they do not stack."""
ASIDE = """() => [...document.querySelectorAll('.own, .desk')]
    .filter(one => one.checkVisibility() && one.offsetWidth)
    .filter(one => Math.abs(one.getBoundingClientRect().x - one.closest('.column').getBoundingClientRect().x) > 1)
    .map(one => one.closest('[id]').id)"""
"""Our own components that do not begin where Gradio's do."""
STOPS = """() => [...document.querySelectorAll('#history-grid :is(button, input)')]
    .filter(control => control.tabIndex === 0).length"""
DROP = """([name, type, bytes]) => {
    const list = new DataTransfer();
    list.items.add(new File([new Uint8Array(bytes)], name, { type }));
    const how = { bubbles: true, cancelable: true, dataTransfer: list };
    document.querySelector('#tabs').dispatchEvent(new DragEvent('drop', how));
}"""


@pytest.fixture
def page(browser: Browser, address: str):
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark", reduced_motion="reduce")
    enter(opened, address)
    opened.locator("#live input").set_checked(False)
    yield opened
    opened.close()


def enter(page: Page, address: str) -> None:
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.locator("#go").wait_for()


def open_tab(page: Page, name: str) -> None:
    page.locator(f"#tab-{name}-button").click()


def box(page: Page, elem_id: str) -> Locator:
    return page.locator(f"#{elem_id}").locator("textarea, input").first


def choose(page: Page, elem_id: str, name: str) -> None:
    page.locator(f"#{elem_id} input").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.evaluate("document.activeElement.blur()")
    expect(page.get_by_test_id("dropdown-option")).to_have_count(0)  # the list fades away


def drop(page: Page, name: str, kind: str, data: bytes) -> None:
    page.evaluate(DROP, [name, kind, list(data)])


def open_training(page: Page, name: str) -> None:
    """Begin a training, so that its fields are there."""
    page.locator("#train-name").fill(name)
    page.locator("#train-new").click()
    page.locator(f"#train-body[data-training='{name}']").wait_for()


def serious(page: Page) -> list[tuple[str, str]]:
    """Return what axe finds that keeps somebody from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        (each["id"], str(each["nodes"][0]["target"])) for each in found if each["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize(
    ("scheme", "width", "height", "language"), [("dark", 390, 844, "zh-CN"), ("light", 1440, 900, "en-US")]
)
def test_every_tab_is_reached_named_readable_and_no_wider_than_the_screen(
    browser: Browser, address: str, pictures: Path, scheme: str, width: int, height: int, language: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale=language,
        has_touch=width < 720,
        reduced_motion="reduce",
    )
    page = context.new_page()
    log = Log(page)
    enter(page, address)
    for tab in TABS:
        button = page.locator(f"#tab-{tab}-button")
        at = button.bounding_box()
        assert at["y"] >= 0
        assert at["y"] + at["height"] <= height, "in sight without scrolling, and above whatever sticks"
        button.click()
        expect(button).to_have_attribute("aria-selected", "true")
        expect(page.locator(f"#tab-{tab}")).to_be_visible()
        if tab == "train":
            open_training(page, f"colours {width}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), tab
        assert page.evaluate(ASIDE) == [], tab
        if tab == "sheets" and width > 720:
            boxes = [page.locator(f"#sheet-{name}").bounding_box() for name in ("go", "stop", "earlier", "resume")]
            feet = [foot["y"] + foot["height"] for foot in boxes]
            assert max(feet) - min(feet) < 2, "on one line"
        assert serious(page) == [], tab
        page.screenshot(path=pictures / f"{tab}-{width}-{scheme}.png")
    assert log.is_clean(), (log.hosts, log.errors)
    context.close()


def test_a_sheet_names_its_blocks_and_shows_a_picture_large_in_place(page: Page, pictures: Path) -> None:
    box(page, "prompt").fill("red heart")
    open_tab(page, "sheets")
    expect(page.locator("#sheet-base textarea")).to_have_value(re.compile("red heart"))
    assert page.locator("#sheet-columns-lora input").input_value() == "", "not just the first of the library"
    choose(page, "sheet-columns", "Steps")
    box(page, "sheet-columns-values").fill("1, 2")
    choose(page, "sheet-rows", "Seed")
    box(page, "sheet-rows-values").fill("1, 2")
    choose(page, "sheet-blocks_of_rows", "words in the prompt (S/R)")
    box(page, "sheet-blocks_of_rows-values").fill("red, blue")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#sheet-status")).to_contain_text("8 of 8 pictures in", timeout=4 * WAIT)
    expect(page.locator("#sheet-cells .cells-block")).to_have_text(["red", "blue"])
    expect(page.locator("#sheet-cells th[scope=row]")).to_have_text(["seed 1", "seed 2"] * 2)
    archive = page.request.get(str(page.locator("#sheet-files a[href*='.zip']").first.get_attribute("href"))).body()
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        assert "grid.png" in packed.namelist()
    page.locator("#sheet-cells .cell").nth(5).click()
    large = page.get_by_role("dialog")
    expect(large).to_contain_text("6/8")
    page.keyboard.press("ArrowLeft")
    expect(large).to_contain_text("5/8")
    page.screenshot(path=pictures / "sheet-large.png")
    expect(page.locator("#tab-sheets-button")).to_have_attribute("aria-selected", "true")
    large.get_by_role("button", name="Send to desk").click()
    expect(page.locator("#tab-desk-button")).to_have_attribute("aria-selected", "true")
    expect(box(page, "prompt")).to_have_value("blue heart")


def test_a_prompt_file_has_its_errors_under_their_lines(page: Page, tmp_path: Path) -> None:
    open_tab(page, "prompt_file")
    (tmp_path / "mine.txt").write_bytes(
        "\ufeffred heart --steps 1 --seed 4\ncat <lora:line_arf:1>\n".encode("utf-16-le")
    )
    page.locator("#batch-file").set_input_files(tmp_path / "mine.txt")
    expect(page.locator(".editor-line.bad i")).to_have_text(re.compile("line_arf.*line_art"))
    page.locator("#batch-text").press("Control+End")
    page.keyboard.type("star --stepz 4")
    expect(page.locator(".editor-line.bad")).to_have_count(2)
    expect(page.locator("#batch-remarks li").last).to_have_text(re.compile("^3: unknown option --stepz"))
    expect(page.locator("#batch-summary")).to_contain_text("Pictures: 2. Cannot be rendered: 1. Remarks on lines: 1.")
    page.locator("#batch-go").click()
    expect(page.locator("#batch-status")).to_contain_text("1 of 2 pictures; not made: 1", timeout=4 * WAIT)
    expect(page.locator("#batch-cells .cell.failed")).to_have_count(1)


def test_a_prompt_file_outlives_a_reload_and_a_file_that_is_opened_over_it(page: Page, tmp_path: Path) -> None:
    open_tab(page, "prompt_file")
    box = page.locator("#batch-text")
    box.fill("a blue whale\na red kite")
    page.locator("#batch-form").select_option(".csv")
    page.locator("#batch-form").select_option(".txt")
    page.reload()
    open_tab(page, "prompt_file")
    expect(box).to_have_value("a blue whale\na red kite")
    expect(page.locator("#batch-summary")).to_contain_text("Pictures: 2.")
    (tmp_path / "mine.txt").write_text("a green frog\n")
    page.locator("#batch-file").set_input_files(tmp_path / "mine.txt")
    expect(box).to_have_value("a green frog\n")
    box.press("Control+z")
    expect(box).to_have_value("a blue whale\na red kite")


def test_a_picture_dropped_anywhere_is_opened_and_goes_to_the_desk(page: Page, address: str, tmp_path: Path) -> None:
    path, _ = Client(address, verbose=False).predict(
        "blue star", loras={"sepia": 0.5}, seed=8, steps=1, api_name="/render"
    )
    drop(page, "made.png", "image/png", Path(path).read_bytes())
    expect(page.locator("#info-source")).to_contain_text("LoRA Mixer")
    expect(page.locator("#info-table")).to_contain_text("sepia")
    expect(page.locator("#info-differences textarea")).to_have_value("Nothing: this machine can make the same picture.")
    page.locator("#info-send").click()
    expect(box(page, "prompt")).to_have_value(re.compile("blue star"))
    assert read_picture(Path(path)).request.prompt == "blue star"


def test_a_bad_picture_is_one_error_and_what_pictures_say_is_never_run(page: Page) -> None:
    drop(page, "bad.png", "image/png", b"\x89PNG\r\n\x1a\nno picture at all")
    expect(page.locator("#info-source")).to_contain_text("bad.png")
    assert page.locator("[data-testid=toast-body], .error").count() == 0
    info = PngInfo()
    info.add_text("parameters", f"{HOSTILE}\nSteps: 4, Sampler: {HOSTILE}, Seed: 1, CFG scale: 3, Size: 64x64")
    Image.new("RGB", (8, 8)).save(hostile := io.BytesIO(), "PNG", pnginfo=info)
    drop(page, "hostile.png", "image/png", hostile.getvalue())
    expect(page.locator("#info-table")).to_contain_text("onerror")
    assert page.evaluate("window.__x") is None


def test_plots_are_drawn_in_the_pages_own_colours_and_metadata_are_text(page: Page) -> None:
    open_tab(page, "inspect")
    for name in ("line_art", "strange"):
        choose(page, "inspect-pick", name)
    page.locator("#inspect-go").click()
    expect(page.locator("#inspect-plots .cosines")).to_have_count(2, timeout=4 * WAIT)
    expect(page.locator("#inspect-metadata")).to_contain_text("window.hit = 1")
    assert page.evaluate("window.hit") is None
    paper = page.locator(".plot-frame").first.evaluate("e => getComputedStyle(e).backgroundColor")
    assert paper == "rgb(27, 30, 36)", "dark where the page is dark"
    assert serious(page) == []


def test_a_toast_says_all_of_its_text_and_stands_at_the_bottom_left(page: Page, address: str) -> None:
    client = Client(address, verbose=False)
    for seed in (951, 952):
        client.predict("green pear", seed=seed, steps=1, api_name="/render")
    open_tab(page, "history")
    with page.expect_response(lambda answer: '"green pear"' in (answer.request.post_data or "")) as listed:
        page.locator("#history-search").fill("green pear")
    old = listed.value.json()
    page.route("**/panes/history", lambda route: route.fulfill(json=old))  # and nothing newer
    cards = page.locator(".history-card")
    expect(cards).to_have_count(2)
    gone = [int(str(card.get_attribute("data-key"))) for card in cards.all()]
    for question in ("history-throw-away", "history-destroy"):
        page.request.post(f"{address}/panes/{question}", data={"ids": gone})
    for card in cards.all():
        card.locator(".history-open").click()
        with page.expect_response("**/queue/join*"):
            page.keyboard.press("Enter")
        expect(page.locator("[data-testid=toast-body]").last).to_contain_text("That picture is gone.")
        page.wait_for_function(TOASTS)


def test_the_history_is_filtered_chosen_deleted_and_given_back(page: Page, address: str) -> None:
    client = Client(address, verbose=False)
    for seed, loras in ((901, {"warm_cold": 0.5}), (902, {"warm_cold": 0.5}), (903, {})):
        client.predict("green apple", loras=loras, seed=seed, steps=1, api_name="/render")
    open_tab(page, "history")
    with page.expect_response(
        lambda answer: '"green apple"' in (answer.request.post_data or "")
    ):  # as soon as it rests
        page.locator("#history-search").fill("green apple")
    cards = page.locator(".history-card")
    expect(cards).to_have_count(3)
    page.locator("#history-lora").select_option("warm_cold")
    expect(cards).to_have_count(2)
    page.locator("#history-all").click()
    page.locator("#history-delete").click()
    expect(cards).to_have_count(0)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(cards).to_have_count(2)
    page.locator(".history-open").first.click()
    large = page.get_by_role("dialog")
    expect(large).to_contain_text("Seed: 902")
    expect(large.locator(":focus")).to_have_count(1)  # or nobody hears the keys
    page.keyboard.press("f")
    expect(large.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(large).to_contain_text("Seed: 901")
    page.keyboard.press("Delete")
    expect(cards).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator("#history-bin").click()
    expect(cards).to_have_count(1)
    page.on("dialog", lambda question: question.accept())
    page.locator("#history-empty").click()
    expect(page.locator(".history-status")).to_have_text("Nothing in the bin.")
    page.locator("#history-bin").click()
    page.locator("#history-favourites").click()
    expect(cards).to_have_count(1)
    page.locator(".history-open").first.click()
    page.keyboard.press("Enter")
    expect(box(page, "prompt")).to_have_value(re.compile("green apple"))


def test_keys_alone_walk_from_the_tabs_into_a_picture_and_the_focus_is_always_seen(page: Page, address: str) -> None:
    Client(address, verbose=False).predict("weathercock", seed=77, steps=1, api_name="/render")
    page.locator("#tab-desk-button").focus()

    def step_to(selector: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert style != "none", selector
                return
        raise AssertionError(f"{selector} is not reached by keys")

    step_to("#tab-history-button")
    page.keyboard.press("Enter")
    page.locator(".history-open").first.wait_for()
    step_to("#history-search")
    with page.expect_response(lambda answer: '"weathercock"' in (answer.request.post_data or "")):
        page.keyboard.type("weathercock")
    expect(page.locator(".history-status")).to_contain_text("of 1 ")
    step_to(".history-open")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Seed: 77")
    page.keyboard.press("Escape")
    expect(page.locator(".history-open").first).to_be_focused()
    for key, control in (("ArrowRight", ".history-choose"), ("ArrowRight", ".history-star"), ("Home", ".history-open")):
        page.keyboard.press(key)
        expect(page.locator(control).first).to_be_focused()
        assert page.evaluate(STOPS) == 1, "the pictures are one stop of Tab, however many there are"


def test_a_picture_that_is_closed_gives_the_focus_back_however_late_the_history_is_drawn_anew(
    page: Page, address: str
) -> None:
    client = Client(address, verbose=False)
    for prompt in ("comet", "meteor"):
        client.predict(prompt, seed=5, steps=1, api_name="/render")
    held: list[Route] = []
    page.route("**/panes/history", lambda route: held.append(route) if "comet" in _sent(route) else route.continue_())
    open_tab(page, "history")
    expect(page.get_by_role("button", name="Seed 5: meteor", exact=True)).to_be_visible()
    with page.expect_request(lambda request: '"comet"' in (request.post_data or "")):
        page.locator("#history-search").fill("comet")
    page.get_by_role("button", name="Seed 5: meteor", exact=True).focus()
    page.keyboard.press("Enter")
    large = page.get_by_role("dialog")
    expect(large).to_contain_text("meteor")
    held.pop().continue_()
    expect(large).to_contain_text("1/1 · Seed 5: comet")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Seed 5: comet", exact=True)).to_be_focused()


def test_who_logs_out_sees_nothing_more(browser: Browser, mixer: Mixer, tmp_path: Path) -> None:
    with served(lambda: mixer, tmp_path, logins=[("ada", "one")]) as server:
        wait_until_ready(server.url)
        page = browser.new_page()
        page.set_default_timeout(WAIT)
        page.goto(server.url)
        page.locator("input:not([type=password])").first.fill("ada")
        page.locator("input[type=password]").fill("one")
        page.keyboard.press("Enter")
        out = page.locator("#log-out")
        expect(out).to_contain_text("ada")
        box(page, "prompt").fill("red heart")
        asked = f"{server.url}/panes/history"
        assert page.request.post(asked, data={"start": 0}).status == 200
        out.click()
        expect(page.locator("input[type=password]")).to_be_visible()
        expect(page.locator("#go")).to_have_count(0)
        assert page.request.post(asked, data={"start": 0}).status == 401
        page.go_back()
        expect(page.locator("input[type=password]")).to_be_visible()
        page.close()


def _sent(route: Route) -> str:
    return route.request.post_data or ""
