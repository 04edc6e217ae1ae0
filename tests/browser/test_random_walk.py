"""A seeded monkey at three desks: whatever is done, and however fast, nothing comes apart and nothing is lost."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from lora_mixer_app.web.desk.conversion import sounding
from lora_mixer_app.web.desk.document import read_document
from lora_mixer_app.web.desk.sync import with_tags, without_tags
from tests.browser.conftest import BROWSER, WAIT, Log, open_desk

pytestmark = BROWSER
SEED = int(os.environ.get("SEED", "26"))
GESTURES = int(os.environ.get("GESTURES", "60"))
"""How many gestures; 300 take some minutes, see docs/ui.md."""
TABS = 3
NAMES = ("sepia", "line_art", "night_sky", "pixel_art")
PROMPTS = ("cat", "red heart <lora:sepia:0.5>", "a (big:1.2) star <lora:line_art:1> at night", "")


class Monkey:
    """Somebody at a desk who does anything, at human speed or faster."""

    def __init__(self, page: Page, chance: random.Random) -> None:
        self.page = page
        self.chance = chance
        page.set_default_timeout(WAIT)

    def act(self) -> None:
        """Do one gesture; now and then look at the picture for as long as people do."""
        self.chance.choice(list(self._gestures()))()
        if self.chance.random() < 0.1:
            self.page.evaluate(
                "wait => new Promise(resolve => setTimeout(resolve, wait))", self.chance.randint(50, 300)
            )

    def _gestures(self) -> Iterator[Callable[[], object]]:
        page, chance = self.page, self.chance
        yield lambda: page.locator("#prompt textarea").press_sequentially(chance.choice([" dog", ", sun", " x"]))
        yield lambda: page.locator("#prompt textarea").fill(chance.choice(PROMPTS))
        yield self._burst
        yield self._burst
        yield lambda: self._on(
            ".strip .strength", lambda box: box.fill(chance.choice(["1,5", "0.25", "-0.5", "much", ""]))
        )
        yield lambda: self._on(".strip .strip-thumb:not(:disabled)", lambda thumb: thumb.click())
        yield lambda: self._on(".strip .solo:visible", lambda solo: solo.click())
        yield lambda: self._on(".strip .convert:visible", lambda convert: convert.click())
        yield lambda: self._on(".strip .remove", lambda remove: remove.click())
        yield self._add
        yield self._add
        yield lambda: page.locator("#undo").click(force=True)
        yield lambda: page.locator("#redo").click(force=True)
        yield lambda: page.keyboard.press("Control+z")
        yield lambda: page.locator("#sampler select").select_option(chance.choice(["Euler", "Euler a", "DDIM"]))
        yield lambda: page.locator("#preset select").select_option(chance.choice(["", "tcd"]))
        yield lambda: page.locator("#seed input").fill(str(chance.randint(-1, 9)))
        yield lambda: page.locator("#live input").click()
        yield lambda: page.locator("#go").click()
        yield lambda: page.keyboard.press("Escape")

    def _on(self, what: str, act: Callable[[Any], object]) -> None:
        self.page.evaluate("document.activeElement?.blur()")  # an open list of choices may lie over what is meant
        found = self.page.locator(what)
        if count := found.count():
            act(found.nth(self.chance.randrange(count)))

    def _burst(self) -> None:
        def turned(slider: Any) -> None:
            slider.focus()
            for _ in range(self.chance.randint(1, 6)):
                slider.press(self.chance.choice(["ArrowLeft", "ArrowRight", "ArrowLeft"]))

        self._on(".strip input[type=range]:not(:disabled)", turned)

    def _add(self) -> None:
        self.page.locator("#pick input").fill(self.chance.choice(NAMES))
        self.page.locator("#pick input").press("Enter")


def kept(page: Page) -> dict[str, Any]:
    return page.evaluate("JSON.parse(sessionStorage.getItem('lora-mixer-desk'))")


def rested(page: Page) -> None:
    """Wait until nothing is rendered, nor will be."""
    page.locator("#live input").set_checked(False)
    page.evaluate("document.activeElement.blur()")
    expect(page.locator("#go")).to_have_text("Generate", timeout=4 * WAIT)


def agree(page: Page) -> None:
    """Check that what stands on the page is the document."""
    now = kept(page)["history"]["present"]
    assert page.locator("#prompt textarea").input_value() == now["prompt"]
    rows = page.locator(".strip:not(.of-prompt)")
    assert rows.count() == len(now["strips"])
    for place, strip in enumerate(now["strips"]):
        row = rows.nth(place)
        assert row.get_attribute("aria-label") == strip["name"]
        assert float(row.locator("input[type=range]").input_value()) == pytest.approx(strip["strength"])
        typed = row.locator(".strength").input_value().replace(",", ".")
        assert typed in {"", "much"} or float(typed) == pytest.approx(strip["strength"])
    assert page.locator(".strip.of-prompt").count() == len(re.findall("<lora:", now["prompt"]))
    assert page.locator("#sampler select").input_value() == now["settings"]["sampler"]


def undone_and_redone(page: Page) -> None:
    """Undo up to ten gestures, and redo them: the document is as it was."""
    before = kept(page)["history"]["present"]
    steps = 0
    while page.locator("#undo").is_enabled() and steps < 10:
        page.locator("#undo").click()
        steps += 1
    agree(page)
    for _ in range(steps):
        page.locator("#redo").click()
    assert kept(page)["history"]["present"] == before


@pytest.mark.timeout(60 + 5 * GESTURES)
def test_many_gestures_at_three_desks(browser: Browser, address: str) -> None:
    chance = random.Random(SEED)
    pages = [browser.new_page(viewport={"width": 1440, "height": 900}) for _ in range(TABS)]
    logs = [Log(page) for page in pages]
    for page in pages:
        open_desk(page, address)
        page.get_by_text("Sampler, size, presets").click()
    monkeys = [Monkey(page, random.Random(chance.random())) for page in pages]
    for _ in range(GESTURES):
        chance.choice(monkeys).act()
    for page in pages:
        rested(page)
        agree(page)
        undone_and_redone(page)
    for page in pages:
        made = generated(page)
        asked = read_document(kept(page)["history"]["present"])
        heard = sounding(asked.strips)
        alone = any(strip.solo for strip in heard)
        text = with_tags(without_tags(asked.request.prompt) if alone else asked.request.prompt, heard)
        assert made["record"].startswith(f"{text}\n" if text else "")
        assert f"Sampler: {asked.request.sampler}," in made["record"]
        page.reload()
        page.wait_for_selector("#go")
        assert kept(page)["view"]["picture"]["id"] == made["id"]
        agree(page)
    for log in logs:  # what a reload cuts off, Gradio's own client calls an error
        assert [text for text in log.errors if "abort" not in text.lower() and "Connection errored" not in text] == []
    for page in pages:
        page.close()


def generated(page: Page) -> dict[str, Any]:
    """Render, and return the picture that the desk shows then."""
    before = kept(page)["view"]["picture"]
    page.locator("#steps input[type=text]").fill("2")  # an undo may have brought back those of the model
    page.locator("#steps input[type=text]").press("Tab")
    page.locator("#sampler select").select_option("Euler a")  # takes the eta that a preset may have left behind
    page.locator("#go").click()
    page.wait_for_function(
        """before => {
            const { picture } = JSON.parse(sessionStorage.getItem('lora-mixer-desk')).view;
            return picture && picture.id !== before && document.querySelector('#go').innerText === 'Generate';
        }""",
        arg=before and before["id"],
        timeout=4 * WAIT,
    )
    return kept(page)["view"]["picture"]
