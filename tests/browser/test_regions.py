"""Regions drawn on the picture, listed beside it, rendered, undone, and brought back from a picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from lora_mixer.images import read_picture
from lora_mixer.places import DrawnMask, Rectangle
from tests.browser import desk_page
from tests.browser.conftest import BROWSER
from tests.browser.desk_page import add_lora, document, generate, unfold

pytestmark = BROWSER


def regions(page: Page) -> list[dict[str, Any]]:
    return document(page).get("regions") or []


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the picture, from one place to another in fractions of its sides."""
    desk_page.drag(page, page.locator("#picture .frame"), start, end)


def rendered(page: Page, tmp_path: Path) -> Any:
    """Render, and return the record of the picture that is on the screen then."""
    body = page.request.get(f"{page.url.rstrip('/')}/{generate(page)}").body()
    (tmp_path / "picture.png").write_bytes(body)
    return read_picture(tmp_path / "picture.png").record


def test_a_region_is_drawn_moved_stretched_rendered_and_undone(desk: Page, tmp_path: Path, pictures: Path) -> None:
    add_lora(desk, "line_art")
    unfold(desk, "#regions")
    desk.locator("#region-add-rectangle").click()
    drag(desk, (0.1, 0.1), (0.5, 0.8))
    (region,) = regions(desk)
    assert region["mask"] == pytest.approx([0.1, 0.1, 0.5, 0.8], abs=0.01)
    box = desk.locator(".region textarea").first
    box.fill("a blue rocket")
    box.press("Tab")
    desk.locator(".region .chip", has_text="line_art").click()
    drag(desk, (0.3, 0.4), (0.5, 0.4))
    assert regions(desk)[0]["mask"] == pytest.approx([0.3, 0.1, 0.7, 0.8], abs=0.01)
    drag(desk, (0.7, 0.8), (0.9, 0.9))
    assert regions(desk)[0]["mask"] == pytest.approx([0.3, 0.1, 0.9, 0.9], abs=0.01)
    expect(desk.locator(".region-place")).to_have_text(re.compile("^30.90 % . 10.90 %$"))
    record = rendered(desk, tmp_path)
    (made,) = record.settings.regions
    assert (made.prompt, type(made.mask), [use.name for use in made.loras]) == (
        "a blue rocket",
        Rectangle,
        ["line_art"],
    )
    desk.screenshot(path=pictures / "regions.png")
    for _ in range(4):  # stretched, moved, its LoRA, its text
        desk.locator("#undo").click()
    assert (regions(desk)[0]["prompt"], regions(desk)[0]["strips"]) == ("", [])
    desk.locator("#undo").click()
    assert regions(desk) == []
    expect(desk.locator(".region-outline")).to_have_count(0)
    desk.locator("#use").click()
    expect(desk.locator(".region textarea").first).to_have_value("a blue rocket")
    assert [one["strips"] for one in regions(desk)] == [[document(desk)["strips"][0]["number"]]]


def test_a_saved_mix_brings_its_regions_and_the_pad_refuses_them(desk: Page, tmp_path: Path) -> None:
    add_lora(desk, "line_art")
    unfold(desk, "#regions")
    desk.locator("#region-add-rectangle").click()
    drag(desk, (0.1, 0.1), (0.5, 0.8))
    box = desk.locator(".region textarea").first
    box.fill("a blue rocket")
    box.press("Tab")
    desk.locator(".region .chip", has_text="line_art").click()
    unfold(desk, "#mixes")
    names = desk.locator("#mix-names select")
    for name in ("two parts", "more parts"):
        desk.locator("#mix-name input").fill(name)
        desk.locator("#mix-save").click()
        expect(names).to_have_value(name)
    before = rendered(desk, tmp_path).settings.regions
    desk.reload()  # begins anew
    expect(desk.locator(".region")).to_have_count(0)
    unfold(desk, "#mixes")
    names.select_option("two parts")
    desk.locator("#mix-load").click()
    expect(desk.locator(".region textarea").first).to_have_value("a blue rocket")
    assert rendered(desk, tmp_path).settings.regions == before
    unfold(desk, "#pad-part")
    desk.locator("#pad-saved").select_option(["two parts", "more parts"])
    desk.locator("#pad-mixes").click()
    expect(desk.locator("#status")).to_contain_text("has regions, which the pad cannot mix")
    for name in ("two parts", "more parts"):
        names.select_option(name)
        desk.locator("#mix-delete").click()
        expect(names).to_have_value("")


def test_a_region_is_made_moved_and_named_by_keys_alone(desk: Page) -> None:
    unfold(desk, "#regions")
    desk.locator("#region-add-rectangle").focus()
    desk.keyboard.press("Enter")
    expect(desk.locator(".region-sheet")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.locator(".region-grip")).to_be_focused()
    assert regions(desk)[0]["mask"] == [0, 0, 0.5, 1]
    desk.keyboard.press("ArrowRight")
    desk.keyboard.press("Shift+ArrowUp")
    assert regions(desk)[0]["mask"] == pytest.approx([0.02, 0, 0.52, 0.98])
    box = desk.locator(".region textarea").first
    box.focus()
    desk.keyboard.type("cat <lora:pix")
    desk.get_by_role("option", name="pixel_art").wait_for()
    desk.keyboard.press("Enter")
    expect(box).to_have_value("cat <lora:pixel_art:1>")
    desk.keyboard.press("Control+ArrowDown")
    assert regions(desk)[0]["prompt"] == "cat <lora:pixel_art:0.95>"
    desk.locator("#region-add-rectangle").press("Enter")
    desk.keyboard.press("Escape")
    assert len(regions(desk)) == 1
    expect(desk.locator(".region-sheet")).to_be_hidden()


def test_a_painted_region_a_rest_and_one_without_words(desk: Page, tmp_path: Path, pictures: Path) -> None:
    unfold(desk, "#regions")
    desk.locator("#region-add-brush").click()
    desk.locator(".easel").wait_for()
    drag(desk, (0.2, 0.5), (0.6, 0.5))
    expect(desk.locator(".region-place")).to_have_text("painted")
    desk.locator("#mask-done").click()
    desk.locator("#region-add-background").click()
    rest = desk.locator(".region").nth(1).locator("textarea").first
    expect(rest).to_be_focused()
    rest.fill("green grass")
    rest.press("Tab")
    record = rendered(desk, tmp_path)
    assert sorted(type(region.mask).__name__ for region in record.settings.regions) == ["DrawnMask", "RestOfPicture"]
    desk.screenshot(path=pictures / "regions-painted.png")
    desk.locator("#region-add-auto").click()
    expect(desk.locator(".region").nth(2).locator(".wrong")).to_contain_text("no words")
    desk.locator(".region").nth(2).locator(".icon").last.click()
    expect(desk.locator(".region")).to_have_count(2)


def test_places_that_were_found_are_shown_and_edited(desk: Page, tmp_path: Path, pictures: Path) -> None:
    desk.locator("#prompt textarea").fill("a red heart and a cat")
    unfold(desk, "#regions")
    for place, words in enumerate(("red heart", "cat")):
        desk.locator("#region-add-auto").click()
        box = desk.locator(".region").nth(place).locator("textarea").nth(1)
        box.fill(words)
        box.press("Tab")
    record = rendered(desk, tmp_path)
    assert set(record.places) == {"red heart", "cat"}
    expect(desk.locator(".found-places")).to_contain_text("2 places were found")
    assert {"red heart", "cat"} == set(desk.locator(".region-name").all_inner_texts())
    desk.wait_for_function(
        "() => [...document.querySelectorAll('.region-outlines > canvas')].every(one => one.dataset.painted)"
    )
    desk.screenshot(path=pictures / "places.png")
    desk.locator("#places-edit").click()
    desk.wait_for_function("() => document.querySelectorAll('.region-place').length === 2")
    expect(desk.locator(".region-place").first).to_have_text("painted")
    again = rendered(desk, tmp_path)
    assert [type(region.mask) for region in again.settings.regions] == [DrawnMask, DrawnMask]
    assert {region.words for region in again.settings.regions} == {"red heart", "cat"}
    expect(desk.locator(".found-places")).to_be_hidden()  # the desk has them now


def test_loras_that_are_held_where_their_words_are_found_are_seen_there_and_moved(
    desk: Page, tmp_path: Path, pictures: Path
) -> None:
    for name in ("night_sky", "sepia"):
        add_lora(desk, name)
    desk.locator("#prompt textarea").fill("a night sky, sepia heart")
    unfold(desk, "#advanced")
    desk.locator("#places-box").select_option("auto")
    record = rendered(desk, tmp_path)
    assert (record.settings.places, set(record.places)) == ("auto", {"night sky", "sepia"})
    expect(desk.locator(".found-places")).to_contain_text("2 places were found")
    desk.wait_for_function(
        "() => document.querySelectorAll('.found-places .region-name').length === 2"
        " && [...document.querySelectorAll('.region-outlines > canvas')].every(one => one.dataset.painted)"
    )
    desk.screenshot(path=pictures / "places-auto.png")
    desk.locator("#places-edit").click()
    desk.wait_for_function("() => document.querySelectorAll('.region-place').length === 2")
    numbers = {strip["name"]: strip["number"] for strip in document(desk)["strips"]}
    (first, other) = regions(desk)
    assert {one["words"]: one["strips"] for one in (first, other)} == {
        "night sky": [numbers["night_sky"]],
        "sepia": [numbers["sepia"]],
    }
    desk.locator(".region").first.get_by_label("Paint it with the brush").click()
    desk.locator(".easel").wait_for()
    drag(desk, (0.1, 0.9), (0.9, 0.9))
    desk.wait_for_function(
        "before => JSON.parse(sessionStorage.getItem('lora-mixer-desk')).history.present.regions[0].mask.id !== before",
        arg=first["mask"]["id"],
    )
    desk.locator("#mask-done").click()
    again = rendered(desk, tmp_path)
    assert again.settings.places == "given"
    made = {region.words: region for region in again.settings.regions}
    assert made[other["words"]].mask == record.places[other["words"]]
    assert made[first["words"]].mask != record.places[first["words"]]
    assert {words: [use.name for use in region.loras] for words, region in made.items()} == {
        "night sky": ["night_sky"],
        "sepia": ["sepia"],
    }
