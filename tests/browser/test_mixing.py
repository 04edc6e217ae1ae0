"""Balance, methods, surprises, the search by picks, the crossfader with its grid, and films, at the desk."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import BROWSER, WAIT, open_desk
from tests.browser.desk_page import add_lora, document, drag, generate, unfold, unfold_pad
from tests.browser.test_around_the_desk import serious

pytestmark = BROWSER


def strengths(page: Page) -> dict[str, float]:
    return {one["name"]: one["strength"] for one in document(page)["strips"] if one["on"]}


def test_one_click_balances_shows_numbers_and_is_one_step_of_undo(desk: Page, pictures: Path) -> None:
    desk.locator("#balance-now").click()
    expect(desk.locator("#balance-said")).to_have_text("Switch two LoRAs on first.")
    for name in ("line_art", "high_contrast"):
        add_lora(desk, name)
    desk.locator("#prompt textarea").fill("cat <lora:sepia:1>")
    expect(desk.locator(".strip .strength")).to_have_count(3)  # whose coming moves the buttons below
    desk.locator("#balance-how").select_option("mix")
    desk.locator("#balance-now").click()
    expect(desk.locator(".balance-table tbody tr")).to_have_count(3)
    after = strengths(desk)
    assert 0 < after["line_art"] == after["high_contrast"] < 1
    expect(desk.locator(".balance-table tbody tr").first).to_have_text(
        re.compile(f"line_art\\s*1\\s*{after['line_art']}")
    )
    assert document(desk)["prompt"] == f"cat <lora:sepia:{after['line_art']}>"
    desk.screenshot(path=pictures / "balance.png")
    desk.locator("#undo").click()
    assert strengths(desk) == {"line_art": 1, "high_contrast": 1}
    assert document(desk)["prompt"] == "cat <lora:sepia:1>"
    desk.locator("#balance-how").select_option("block")
    desk.locator("#balance-now").click()
    desk.wait_for_function(
        "() => JSON.parse(sessionStorage['lora-mixer-desk']).history.present.strips.every(one => one.blocks)"
    )


def test_a_method_is_chosen_beside_the_strips_with_its_numbers_and_what_it_does(desk: Page) -> None:
    desk.locator("#method-box").select_option("ties")
    expect(desk.locator("#method-help")).to_contain_text("Keeps the largest numbers")
    expect(desk.locator("#method-help")).to_contain_text("Not shown to beat the sum here.")
    box = desk.get_by_label("density", exact=True)
    expect(box).to_have_value("0.2")
    box.fill("0,3")
    box.press("Tab")
    assert document(desk)["settings"]["method"] == "ties:density=0.3"
    box.fill("7")
    box.press("Tab")
    expect(desk.locator(".method-numbers .wrong").first).to_contain_text("from 0.001 to 1")
    for name in ("line_art", "sepia"):
        add_lora(desk, name)
    generate(desk)
    expect(desk.locator("#record textarea")).to_have_value(re.compile(r"Mix method: \"?ties:density=0.3"))
    desk.locator("#method-box").select_option("sum")
    assert document(desk)["settings"]["method"] == "sum"
    desk.locator("#use").click()
    expect(desk.locator("#method-box")).to_have_value("ties")
    expect(box).to_have_value("0.3")


def test_a_surprise_is_within_the_limits_and_undone_at_once(desk: Page) -> None:
    for name in ("line_art", "sepia", "night_sky"):
        add_lora(desk, name)
    unfold(desk, "#explore")
    for name in ("line_art", "sepia", "night_sky"):
        box = desk.get_by_label(f"Greatest strength of {name}")
        box.fill("0.5")
        box.press("Tab")
    desk.locator("#explore-most").fill("2")
    desk.locator("#explore-most").press("Tab")
    desk.locator("#surprise").click()
    expect(desk.locator("#surprise-said")).to_have_text(re.compile(r"^Surprise \d+: \w+ "))
    drawn = strengths(desk)
    assert 1 <= len(drawn) <= 2
    assert all(0 <= value <= 0.5 for value in drawn.values())
    desk.locator("#undo").click()
    assert strengths(desk) == {"line_art": 1, "sepia": 1, "night_sky": 1}
    low = desk.get_by_label("Least strength of sepia")
    low.fill("3")
    low.press("Tab")
    desk.locator("#surprise").click()
    expect(desk.locator("#explore .wrong")).to_contain_text("sepia")


def test_of_two_pictures_one_is_picked_by_a_key_and_one_is_taken_to_the_desk(desk: Page, pictures: Path) -> None:
    for name in ("line_art", "sepia"):
        add_lora(desk, name)
    desk.locator("#seed input").fill("5")
    desk.locator("#seed input").press("Tab")
    made = desk.locator("#history [role=option]")
    desk.locator("#prompt textarea").fill("a paper lantern")
    desk.locator("#films-search input").fill("paper lantern")  # so that no others are counted, whoever makes them
    expect(made).to_have_count(0)
    unfold(desk, "#explore")
    desk.locator("#explore-begin").click()
    status = desk.locator("#explore-status")
    expect(status).to_have_text("0 picks so far")
    desk.screenshot(path=pictures / "explore.png")
    liked = desk.locator(".explore-side p").nth(1).inner_text()
    desk.keyboard.press("ArrowRight")
    expect(status).to_have_text("1 picks so far")
    expect(desk.locator(".explore-side p").first).to_have_text(liked)  # what is liked best so far stands on the left
    desk.locator(".explore-take").nth(1).click()
    expect(desk.locator("#explore-dialog")).to_be_hidden()
    taken = desk.locator(".explore-side p").nth(1).inner_text()
    assert ", ".join(f"{name} {value:g}" for name, value in strengths(desk).items()) == taken
    expect(made).to_have_count(3)
    desk.locator("#undo").click()
    assert strengths(desk) == {"line_art": 1, "sepia": 1}


def test_a_crossfader_answers_from_its_grid_and_makes_a_film(desk: Page, pictures: Path) -> None:
    for name in ("line_art", "night_sky"):
        add_lora(desk, name)
    generate(desk)
    desk.locator("#live input").set_checked(True)
    unfold_pad(desk)
    desk.locator("#pad-strips").click()
    expect(desk.locator("#pad")).to_have_class(re.compile("crossfader"))
    expect(desk.locator("#pad-ready")).to_have_text(re.compile("^9 of 9 places"), timeout=4 * WAIT)
    dot = desk.get_by_role("slider", name="Crossfader")
    desk.locator("#film-make").scroll_into_view_if_needed()  # what stands below the pad
    held: list[Route] = []
    desk.route(
        "**/queue/join*", lambda route: held.append(route)
    )  # nothing is rendered meanwhile: what is shown was there
    drag(desk, desk.locator("#pad"), (0.5, 0.5), (0.87, 0.5), hold=True)
    expect(desk.locator("#picture .main-picture")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    desk.route("**/queue/join*", lambda route: route.continue_())
    for route in held:
        route.continue_()
    desk.mouse.up()
    expect(dot).to_have_attribute("aria-valuenow", re.compile(r"0\.8[67]"))
    expect(desk.locator("#picture .main-picture")).to_have_attribute("src", re.compile(r"pictures/.*\.png$"))
    desk.unroute("**/queue/join*")
    desk.locator("#live input").set_checked(False)
    desk.locator("#film-frames").fill("3")
    desk.locator("#film-ending").select_option(".gif")
    desk.locator("#film-make").click()
    link = desk.locator("#film-get")
    expect(link).to_be_visible(timeout=4 * WAIT)
    desk.locator("#film-get").scroll_into_view_if_needed()
    desk.screenshot(path=pictures / "film.png")
    body = desk.request.get(f"{desk.url.rstrip('/')}/{link.get_attribute('href')}").body()
    with Image.open(io.BytesIO(body)) as film:
        assert film.n_frames == 3
    desk.locator("#film-frames").fill("200")
    desk.locator("#film-make").click()
    expect(desk.locator("#film-said")).to_have_text(re.compile("^Picture [1-9]"))
    desk.locator("#film-make").click()
    expect(desk.locator("#film-said")).to_have_text(re.compile("^Stopped"))
    expect(desk.locator("#film-make")).to_have_text("Make the film")


@pytest.mark.parametrize(
    ("scheme", "width", "height", "language"), [("dark", 390, 844, "zh-CN"), ("light", 1440, 900, "en-US")]
)
def test_what_is_unfolded_is_readable_and_no_wider_than_the_screen(
    browser: Browser, address: str, pictures: Path, scheme: str, width: int, height: int, language: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale=language, has_touch=width < 720
    )
    page = context.new_page()
    open_desk(page, address)
    page.locator("#live input").set_checked(False)
    for name in ("line_art", "sepia"):
        page.locator("#pick input").fill(name)
        page.keyboard.press("Enter")
        page.locator(f".strip[aria-label={name}]").wait_for()
    page.locator("#balance-now").click()
    page.locator(".balance-table").wait_for()
    unfold(page, "#regions")
    for kind in ("rectangle", "auto"):
        page.locator(f"#region-add-{kind}").press("Enter")
        if kind == "rectangle":
            page.keyboard.press("Enter")
    page.locator(".region [aria-expanded]").first.click()
    unfold_pad(page)
    unfold(page, "#explore")
    page.locator("#pad-strips").click()
    page.locator("#film-make").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert serious(page) == []
    for part in ("#regions", "#pad-part", "#explore"):
        page.locator(part).scroll_into_view_if_needed()
        page.screenshot(path=pictures / f"unfolded-{width}-{part[1:]}.png")
    context.close()
