"""The train tab in a real browser: eight pictures in, a few steps, and the LoRA stands on the desk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import BROWSER, WAIT, Log, nameless

pytestmark = BROWSER

TRAINED = 200_000
"""Milliseconds that a few tiny steps, and the start of what takes them, may take on a machine that does much else."""


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Eight pictures, one of which has a caption beside it."""
    colours = ("red", "green", "blue", "yellow", "orange", "purple", "white", "black")
    for number, colour in enumerate(colours):
        Image.new("RGB", (64, 64), colour).save(tmp_path / f"{number}.png")
    (tmp_path / "0.txt").write_text("a red square")
    return sorted(tmp_path.iterdir())


def marked(page: Page) -> list[str]:
    """Return the buttons of the tab that are in the colour of Generate."""
    colour = page.locator("#go").evaluate("one => getComputedStyle(one).backgroundColor")
    found: list[str] = page.evaluate(
        """colour => [...document.querySelectorAll('#train-tab button')]
            .filter(one => one.checkVisibility() && getComputedStyle(one).backgroundColor === colour)
            .map(one => one.id)""",
        colour,
    )
    return found


def test_eight_pictures_become_a_strip_on_the_desk(
    browser: Browser, address: str, photos: list[Path], pictures: Path
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1700})
    page.set_default_timeout(WAIT)
    log = Log(page)
    page.goto(address)
    page.get_by_role("tab", name="Train", exact=True).click()
    page.locator("#train-name").fill("my squares")
    page.locator("#train-new").click()
    expect(page.locator("#train-body")).to_have_attribute("data-training", "my squares")
    expect(page.locator("#train-status")).to_have_text("Not started yet. When everything is set, press Start.")
    assert marked(page) == ["train-go"]
    page.locator("#train-files").set_input_files(photos)
    captions = page.locator("#train-pictures textarea")
    expect(captions).to_have_count(8)
    expect(captions.first).to_have_value("a red square")
    captions.nth(1).fill("a green square")
    captions.nth(1).blur()
    expect(captions.nth(1)).to_have_attribute("data-kept", "yes")
    for name, value in {"steps": "10", "rank": "0", "batch": "1", "resolution": "64", "trigger": "sq"}.items():
        page.locator(f"#train-{name}").fill(value)
    page.locator("#train-go").click()
    expect(page.locator("[data-wrong=rank]")).to_contain_text("out of range")
    page.locator("#train-rank").fill("2")
    page.locator("#train-go").click()
    expect(page.locator("[data-wrong=rank]")).to_be_empty()
    expect(page.locator("#train-status")).to_contain_text("Finished", timeout=TRAINED)
    assert marked(page) == ["train-to-desk"]
    expect(page.locator("#train-plot .curve")).to_be_visible()
    assert nameless(page) == []
    page.screenshot(path=pictures / "train.png", full_page=True)
    page.reload()
    page.get_by_role("tab", name="Train", exact=True).click()
    expect(page.locator("#train-status")).to_contain_text("Step 10 of 10")
    expect(captions.nth(1)).to_have_value("a green square")
    page.locator("#train-to-desk").click()
    expect(page.get_by_label("range slider for my squares")).to_be_visible()
    assert log.is_clean(), (log.hosts, log.errors)


def test_a_slider_is_asked_for_by_two_prompts_and_a_deleted_training_comes_back(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1700})
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.get_by_role("tab", name="Train", exact=True).click()
    page.locator("#train-name").fill("a/b")
    page.locator("#train-new").click()
    expect(page.locator("[data-wrong=name]")).to_contain_text("cannot be called that")
    page.locator("#train-name").fill("weather")
    page.locator("#train-new").click()
    expect(page.locator("#train-body")).to_have_attribute("data-training", "weather")
    expect(page.locator("[data-wrong=name]")).to_be_empty()
    page.locator("#train-kind").select_option("slider")
    expect(page.locator("#train-drop")).to_be_hidden()
    page.locator("#train-positive").fill("sunny")
    page.locator("#train-sample").fill("house")
    page.locator("#train-beside-add").select_option("sepia")
    expect(page.locator("#train-beside")).to_have_value("sepia")
    page.locator("#train-go").click()
    expect(page.locator("[data-wrong=slider]")).to_contain_text("words at both ends")
    assert page.locator("[data-testid=toast-body], .notice").count() == 0
    page.locator("#train-delete").focus()
    page.keyboard.press("Enter")
    row = page.locator("#train-list").get_by_role("button", name="weather")
    expect(row).to_have_count(0)
    expect(page.locator("body")).not_to_be_focused()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(row).to_have_attribute("aria-pressed", "true")
    page.close()


@pytest.fixture
def two(browser: Browser, address: str, photos: list[Path]) -> Iterator[Page]:
    """The tab with the trainings `left` and `right`, each of a picture of the same name; `right` is shown."""
    page = browser.new_page(viewport={"width": 1280, "height": 1700})
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.get_by_role("tab", name="Train", exact=True).click()
    for name in ("left", "right"):
        page.locator("#train-name").fill(name)
        page.locator("#train-new").click()
        expect(page.locator("#train-body")).to_have_attribute("data-training", name)
        page.locator("#train-files").set_input_files(photos[2])
        expect(page.locator("#train-pictures textarea")).to_have_count(1)
    yield page
    for name in ("left", "right"):
        page.request.post(f"{address}/panes/training-throw-away", data={"name": name})
    page.close()


def test_pictures_of_one_name_in_two_trainings_keep_their_own_captions(two: Page) -> None:
    caption = two.locator("#train-pictures textarea")
    caption.fill("of the right")
    caption.blur()
    expect(caption).to_have_attribute("data-kept", "yes")
    two.locator("#train-list").get_by_role("button", name="left").click()
    expect(two.locator("#train-body")).to_have_attribute("data-training", "left")
    expect(caption).to_have_value("")
    assert "left" in (two.locator("#train-pictures img").get_attribute("src") or "")
    caption.fill("of the left")
    caption.blur()
    expect(caption).to_have_attribute("data-kept", "yes")
    two.locator("#train-list").get_by_role("button", name="right").click()
    expect(caption).to_have_value("of the right")


def test_a_late_answer_does_not_bring_back_the_training_that_was_left(two: Page) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    two.route("**/panes/training", hold_the_first)
    with two.expect_request("**/panes/training"):
        two.locator("#train-list").get_by_role("button", name="right").click()
    two.locator("#train-list").get_by_role("button", name="left").click()
    expect(two.locator("#train-body")).to_have_attribute("data-training", "left")
    with two.expect_response("**/panes/training"):
        held[0].continue_()
    two.evaluate("() => new Promise((done) => setTimeout(done))")
    expect(two.locator("#train-body")).to_have_attribute("data-training", "left")
    expect(two.locator("#train-list").get_by_role("button", name="left")).to_have_attribute("aria-pressed", "true")


def test_what_is_wrong_with_a_new_name_stays_when_the_list_comes_late(two: Page) -> None:
    held: list[Route] = []
    late = [True]
    two.route("**/panes/trainings", lambda route: held.append(route) if late else route.continue_())
    with two.expect_request("**/panes/trainings"):
        two.reload()
        two.get_by_role("tab", name="Train", exact=True).click()
    two.locator("#train-name").fill("a/b")
    two.locator("#train-new").click()
    wrong = two.locator("[data-wrong=name]")
    expect(wrong).to_contain_text("cannot be called that")
    late.clear()
    for route in held:
        route.continue_()
    expect(two.locator("#train-body")).to_have_attribute("data-training", "right")
    expect(wrong).to_contain_text("cannot be called that")
