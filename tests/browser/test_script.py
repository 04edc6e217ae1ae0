"""The laws of the page's script, in the browser that it runs in; its modules are served as they are, without the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from lora_mixer_app.web.files import STATIC, made
from tests.browser.conftest import BROWSER
from tests.browser.script_page import Script, script_page

pytestmark = BROWSER
SEED = 26


@pytest.fixture(scope="module")
def laws(browser: Browser) -> Iterator[Script]:
    """The laws: each throws where it is broken."""
    with script_page(browser, "laws.js") as script:
        yield script


def test_undo_inverts_whatever_was_done(laws: Script) -> None:
    assert laws.call("historyLaws", SEED, 40, 60) == 2400


def test_a_preset_has_a_way_back(laws: Script) -> None:
    laws.call("presetLaws")


def test_a_sampler_leaves_out_what_it_cannot_take(laws: Script) -> None:
    laws.call("samplerLaws")


def test_the_order_of_answers_never_matters(laws: Script) -> None:
    laws.call("answerLaws", SEED, 200)


def test_numbers_weights_completions_and_corners(laws: Script) -> None:
    laws.call("smallLaws")


def test_the_focus_is_never_lost(laws: Script) -> None:
    laws.page.keyboard.press("Tab")
    laws.call("focusLaws")


def test_regions_follow_their_strips(laws: Script) -> None:
    laws.call("regionLaws")


def test_strengths_ways_grids_and_methods(laws: Script) -> None:
    laws.call("mixingLaws")


def test_modules_that_come_as_one_export_what_each_exports_alone(browser: Browser) -> None:
    joined = made()["/page/modules.js"]
    names = [path.relative_to(STATIC).as_posix() for path in joined.sources[1:]]
    compare = """async names => {
        const { use } = await import("/joined.js");
        const told = module => JSON.stringify(Object.entries(module).map(([name, it]) => [name, String(it)]).sort());
        const differs = async name => told(use(name)) === told(await import("/" + name)) ? [] : [name];
        return (await Promise.all(names.map(differs))).flat();
    }"""
    with script_page(browser, "laws.js") as script:
        script.page.route(
            "**/joined.js", lambda route: route.fulfill(body=joined.read(), content_type="text/javascript")
        )
        assert script.page.evaluate(compare, names) == []
