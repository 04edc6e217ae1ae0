"""The library pane and the picture pane in a real browser, over the embedded model."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, expect

from lora_mixer import DrawnMask
from lora_mixer.catalog import load_models_file
from lora_mixer.images import read_picture
from tests.browser.conftest import BROWSER, WAIT
from tests.browser.desk_page import drag, settled

pytestmark = BROWSER
EMOJI = load_models_file().lora_folders[-1]


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(WAIT)
    opened.goto(address)
    opened.wait_for_selector(
        "#lora-previews[aria-busy=false] .card-item"
    )  # all have been read, and stay where they are
    opened.locator("#live input").set_checked(False)
    yield opened
    opened.close()


def card(page: Page, name: str) -> Locator:
    return page.locator("#lora-previews").get_by_role("button", name=name, exact=True)


def steps(page: Page, count: int) -> None:
    box = page.locator("#steps input:not([type=range])")
    box.fill(str(count))
    box.press("Enter")


def kind(page: Page, what: str) -> None:
    expect(page.locator("#picture")).to_have_attribute("data-kind", what)


def film(page: Page, seed: int) -> Locator:
    """The picture of a seed in the strip below; whatever others make stands there too."""
    return page.locator(f"#history [role=option][aria-label^='Seed {seed}:']")


def generate(page: Page, seed: int) -> None:
    """Render a picture of two steps, and wait until it is the one on the screen."""
    steps(page, 2)
    box = page.locator("#seed input:not([type=checkbox]), #seed").last
    box.fill(str(seed))
    box.press("Enter")
    page.locator("#go").click()
    expect(page.locator("#picture .main-picture")).to_have_attribute("src", _of_seed(seed))
    kind(page, "picture")
    settled(page)


def _of_seed(seed: int) -> re.Pattern[str]:
    return re.compile(rf"-{seed}\.png$")


def test_every_lora_can_be_reached_is_called_by_its_name_and_tells_what_is_wrong(desk: Page, address: str) -> None:
    told, names = desk.evaluate(
        """() => [document.querySelector('#lora-count').innerText,
                  [...document.querySelectorAll('#lora-previews .card')].map(card => card.ariaLabel)]"""
    )
    shown, whole = (int(word) for word in told.replace("of", " ").split()[:2])
    assert shown == whole == len(names)
    assert {"line_art", "large"} <= set(names)
    expect(card(desk, "large")).to_have_attribute("aria-disabled", "true")
    assert "made for" in str(card(desk, "large").get_attribute("title"))
    card(desk, "large").click(force=True)  # it is named as disabled, and says why
    expect(desk.locator("#status")).to_contain_text("large does not fit")
    assert desk.locator(".strip").count() == 0
    desk.get_by_label("Base model").select_option("fits")
    expect(card(desk, "large")).to_have_count(0)
    desk.get_by_label("Base model").select_option("")
    desk.locator("#lora-search input").fill("sky")
    expect(desk.locator("#lora-previews .card")).to_have_count(1)
    controls = desk.locator(":is(#library-pane, #picture-pane) :is(button, input, select, textarea)")
    named = "e => e.ariaLabel || e.title || e.textContent.trim() || e.labels?.length || e.type === 'file'"
    assert all(controls.evaluate_all(f"controls => controls.map({named})"))


def test_cards_are_walked_through_and_added_by_keys_alone(desk: Page) -> None:
    desk.locator("#lora-search input").focus()
    for _ in range(12):
        desk.keyboard.press("Tab")
        if desk.evaluate("document.activeElement.classList.contains('card')"):
            break
    first = desk.evaluate("document.activeElement.ariaLabel")
    desk.keyboard.press("ArrowRight")
    second = desk.evaluate("document.activeElement.ariaLabel")
    assert first != second
    desk.keyboard.press("End")
    desk.keyboard.press("Home")
    assert desk.evaluate("document.activeElement.ariaLabel") == first
    desk.keyboard.press("Enter")
    expect(desk.locator(".strip")).to_have_count(1)
    expect(desk.locator("#lora-about h3")).to_have_text(first)
    for liked in ("true", "false"):
        desk.keyboard.press("f")
        heart = desk.get_by_role("button", name=f"Favourite: {first}", exact=True)
        expect(heart).to_have_attribute("aria-pressed", liked)


def test_files_that_come_and_break_while_it_runs_are_seen(desk: Page, loras: Path) -> None:
    shutil.copy(EMOJI / "sepia.safetensors", loras / "newcomer.safetensors")
    (loras / "half.safetensors").write_bytes((EMOJI / "sepia.safetensors").read_bytes()[:3000])
    try:
        card(desk, "newcomer").wait_for()
        broken = desk.locator("#library-pane .broken")
        broken.locator("summary").click()
        half = broken.locator("li", has_text="half.safetensors")
        expect(half.locator("p")).to_have_text(re.compile("..........."))
    finally:
        for name in ("newcomer", "half"):
            (loras / f"{name}.safetensors").unlink()
    expect(card(desk, "newcomer")).to_have_count(0)


def test_a_strip_says_at_once_that_its_file_went_and_came_back(desk: Page, loras: Path) -> None:
    path = shutil.copy(EMOJI / "sepia.safetensors", loras / "passing.safetensors")
    try:
        card(desk, "passing").click()
        strip = desk.locator(".strip")
        expect(strip.locator("img")).to_have_attribute("src", re.compile("."))  # what is known of it has come
        path.unlink()
        expect(card(desk, "passing")).to_have_count(0)
        expect(strip.locator(".strip-note")).to_contain_text("there is no LoRA called 'passing'")
        shutil.copy(EMOJI / "sepia.safetensors", path)
        expect(strip.locator(".strip-note")).to_have_text("")
    finally:
        path.unlink(missing_ok=True)


DROP = """(spot, name) => {
    const list = new DataTransfer();
    list.items.add(new File([new Uint8Array(8)], name));
    spot.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: list }));
}"""


@pytest.mark.parametrize("spot", ["#picture", "#prompt textarea", "#go", "#tabs"])
def test_a_lora_is_taken_in_wherever_it_is_dropped(desk: Page, spot: str) -> None:
    desk.locator(spot).evaluate(DROP, "dropped.safetensors")
    dialog = desk.locator("#lora-import-dialog")
    expect(dialog).to_contain_text("dropped.safetensors")
    expect(desk.locator(".notice")).to_have_count(0)


def test_a_lora_that_is_dropped_on_another_tab_is_asked_about_on_the_desk(desk: Page) -> None:
    desk.get_by_role("tab", name="PNG info").click()
    desk.locator("#tab-picture_info").evaluate(DROP, "dropped.safetensors")
    expect(desk.locator("#lora-import-dialog")).to_be_visible()
    expect(desk.locator("#lora-import-dialog")).to_contain_text("dropped.safetensors")


def test_a_dropped_lora_asks_where_and_is_taken_in(desk: Page, loras: Path) -> None:
    data = (EMOJI / "sepia.safetensors").read_bytes()
    with desk.expect_file_chooser() as chooser:
        desk.locator("#lora-import").click()
    file = {"name": "dropped.safetensors", "mimeType": "application/octet-stream", "buffer": data}
    chooser.value.set_files(file)
    dialog = desk.locator("#lora-import-dialog")
    expect(dialog).to_contain_text("dropped.safetensors")
    dialog.get_by_label("Folder").select_option("strange")
    dialog.get_by_role("button", name="Import a LoRA").click()
    try:
        card(desk, "dropped").wait_for()
        assert (loras / "dropped.safetensors").read_bytes() == data
        with desk.expect_file_chooser() as chooser:
            desk.locator("#lora-import").click()
        chooser.value.set_files(file)
        dialog.get_by_label("Folder").select_option("strange")
        dialog.get_by_role("button", name="Import a LoRA").click()
        expect(dialog.locator(".wrong")).to_contain_text("there is a file of that name already")
        dialog.get_by_role("button", name="Cancel").click()
    finally:
        (loras / "dropped.safetensors").unlink()


def test_a_half_done_picture_offers_only_what_makes_sense_for_it(desk: Page) -> None:
    generate(desk, 4001)
    expect(film(desk, 4001)).to_have_attribute("aria-selected", "true")
    steps(desk, 100)
    desk.locator("#go").click()
    desk.wait_for_function(  # looks at every frame: the picture may be done within a second or two
        "() => document.querySelector('#picture').dataset.kind === 'preview' && document.querySelector('#delete').hidden"
    )
    desk.keyboard.press("Escape")
    kind(desk, "half")
    for name in ("delete", "use", "pin", "keep"):
        expect(desk.locator(f"#{name}")).to_be_hidden()
    settled(desk)
    desk.locator("#picture").focus()
    desk.keyboard.press("Delete")
    desk.locator("#dismiss").click()
    kind(desk, "picture")
    expect(desk.locator("#picture .main-picture")).to_have_attribute("src", _of_seed(4001))
    expect(film(desk, 4001)).to_have_count(1)  # neither deleted, nor is there half a picture of that seed


def test_deleting_is_undone_and_takes_the_comparison_with_it(desk: Page) -> None:
    generate(desk, 4101)
    generate(desk, 4102)
    expect(film(desk, 4102)).to_have_attribute("aria-selected", "true")
    desk.locator("#keep").click()
    film(desk, 4101).click()
    desk.locator("#compare").wait_for()
    wipe = desk.get_by_role("slider", name="Where one picture ends and the other begins")
    wipe.focus()
    wipe.press("ArrowRight")
    expect(wipe).to_have_attribute("aria-valuenow", "55")
    film(desk, 4102).click()
    desk.locator("#delete").click()
    expect(film(desk, 4102)).to_have_count(0)
    expect(desk.locator("#compare")).to_be_hidden()
    expect(desk.locator("#keep")).to_have_attribute("aria-pressed", "false")
    desk.locator("#undelete").click()
    expect(film(desk, 4102)).to_have_count(1)
    expect(desk.locator("#picture .main-picture")).to_have_attribute("src", _of_seed(4102))
    film(desk, 4101).click()
    desk.locator("#keep").click()
    film(desk, 4102).click()
    desk.locator("#compare").wait_for()
    desk.locator("#compare-close").click()
    expect(desk.locator("#compare")).to_be_hidden()


def test_the_key_for_undo_takes_back_what_was_deleted_and_then_what_was_done_to_the_mix(desk: Page) -> None:
    desk.locator("#prompt textarea").fill("a walnut")
    desk.locator("#films-search input").fill("walnut")
    for seed in (4151, 4152):
        generate(desk, seed)
    desk.locator("#picture").focus()
    for seed in (4152, 4151):
        desk.keyboard.press("Delete")
        expect(film(desk, seed)).to_have_count(0)
    for seed in (4151, 4152):
        desk.keyboard.press("Control+z")
        expect(film(desk, seed)).to_have_count(1)
    expect(desk.locator("#seed input")).to_have_value("4152")
    expect(desk.locator("#undelete")).to_be_hidden()
    desk.keyboard.press("Control+z")
    expect(desk.locator("#seed input")).to_have_value("4151")


def test_a_held_key_shows_the_picture_before(desk: Page) -> None:
    desk.locator("#prompt textarea").fill("a pine cone")
    desk.locator("#films-search input").fill("pine cone")  # or one that others make may stand between
    generate(desk, 4201)
    generate(desk, 4202)
    desk.locator("#picture").focus()
    desk.keyboard.down("\\")
    expect(desk.locator("#compare .compared")).to_have_attribute("src", _of_seed(4201))
    desk.keyboard.up("\\")
    expect(desk.locator("#compare")).to_be_hidden()


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080), (390, 844)])
def test_nothing_covers_the_buttons_and_generate_stays_in_sight(
    browser: Browser, address: str, size: tuple[int, int], pictures: Path
) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(WAIT)
    page.goto(address)
    page.wait_for_selector("#lora-previews[aria-busy=false] .card-item")
    page.locator("#live input").set_checked(False)
    for name in ("line_art", "sepia", "night_sky", "pixel_art"):
        card(page, name).click()
        page.locator(f".strip [aria-label='range slider for {name}']").wait_for()
    page.locator(".strip").last.scroll_into_view_if_needed()
    for control in (page.locator("#go"), page.locator("#status")):
        box = control.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= size[1]
        there = page.evaluate(
            "([x, y]) => document.elementFromPoint(x, y)?.closest('.bar') !== null",
            [box["x"] + min(box["width"], 20) / 2, box["y"] + box["height"] / 2],
        )
        assert there, f"{control} is covered"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=pictures / f"panes-{size[0]}.png")
    page.close()


def png(size: tuple[int, int] = (128, 128)) -> bytes:
    image = Image.new("RGB", size, "#2a6")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1]), fill="#d53")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_a_picture_is_drawn_anew_where_the_mask_was_painted_and_kept_elsewhere(desk: Page, pictures: Path) -> None:
    with desk.expect_file_chooser() as chooser:
        desk.locator("#init-choose").click()
    chooser.value.set_files({"name": "two.png", "mimeType": "image/png", "buffer": png()})
    expect(desk.locator("#start .init-held")).to_contain_text("128")
    desk.locator("#mask").click()
    easel = desk.locator(".easel")
    easel.wait_for()
    expect(desk.locator("#mask-target")).to_have_value("inpaint")
    desk.locator("#mask-rectangle").click()
    drag(desk, easel, (0.5, 0.002), (0.998, 0.998))
    desk.locator("#mask-blur").wait_for()
    desk.screenshot(path=pictures / "mask.png")
    desk.locator("#mask-done").click()
    generate(desk, 4301)
    source = desk.locator("#picture .main-picture").get_attribute("src")
    drawn = Image.open(io.BytesIO(desk.request.get(f"{desk.url.rstrip('/')}/{source}").body())).convert("RGB")
    left, right = (
        drawn.crop((x, 0, x + 40, 128)).resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)) for x in (0, 88)
    )
    assert max(abs(a - b) for a, b in zip(left, (0xDD, 0x55, 0x33), strict=True)) < 8
    assert max(abs(a - b) for a, b in zip(right, (0x22, 0xAA, 0x66), strict=True)) > 8
    expect(desk.locator("#record textarea")).to_have_value(re.compile("Denoising strength"))
    desk.locator("#init-remove").click()
    desk.locator("#start .init-offer").wait_for()
    desk.locator("#use").click()
    expect(desk.locator("#start .init-held img")).to_have_attribute("src", re.compile("^panes/input"))
    expect(desk.locator("#mask-blur")).to_be_visible()


def test_a_mask_of_one_lora_is_painted_by_keys_and_undone(desk: Page, tmp_path: Path) -> None:
    card(desk, "line_art").click()
    desk.locator("#mask").click()
    desk.locator("#mask-target").select_option(label="Where line_art acts")
    desk.locator("#mask-rectangle").click()
    easel = desk.locator(".easel")
    easel.focus()
    desk.keyboard.press("Space")
    for key in ("Shift+ArrowRight", "Shift+ArrowDown", "Space"):
        easel.press(key)
    expect(desk.locator("#mask-undo")).to_be_enabled()
    masks = "() => JSON.parse(sessionStorage['lora-mixer-desk']).history.present.strips.map(strip => strip.mask)"
    desk.wait_for_function(f"({masks})()[0]?.id?.length === 64")
    desk.locator("#mask-done").click()
    generate(desk, 4401)
    source = desk.locator("#picture .main-picture").get_attribute("src")
    body = desk.request.get(f"{desk.url.rstrip('/')}/{source}").body()
    (tmp_path / "picture.png").write_bytes(body)
    record = read_picture(tmp_path / "picture.png").record
    assert record is not None
    assert [type(adapter.strength.mask) for adapter in record.adapters] == [DrawnMask]
    desk.locator("#undo").click()
    while desk.evaluate(f"({masks})()[0] !== null"):
        desk.locator("#undo").click()
    assert desk.evaluate(masks) == [None]
