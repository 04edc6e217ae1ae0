"""Answers that come late or in another order: no older one takes a newer one's place, and nothing somebody did is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import BROWSER
from tests.browser.script_page import Script, script_page

pytestmark = BROWSER
LAWS = {
    "orderLaws": "gestures keep their order",
    "layLaws": "what is laid last was asked for last",
    "mixLaws": "saved mixes are listed as they are",
    "mixingLaws": "a surprise, a balance and a model are of what was there",
    "pairLaws": "what is taken is what is shown",
    "filmLaws": "a film is of what was there",
    "strokeLaws": "strokes arrive in their order",
    "toolLaws": "tools act on what was seen",
    "seenLaws": "what was seen",
    "importLaws": "every file is taken in",
    "addingLaws": "a LoRA is added once",
    "askedLaws": "what is asked for while Live follows is rendered whole",
    "seriesLaws": "a series is of what Generate was pressed for",
    "doneLaws": "a picture that is done is looked at",
    "lostLaws": "what is under way outlives a reload",
    "silenceLaws": "a render that is silent is asked after",
    "endlessLaws": "what cannot be rendered ends nothing",
    "cancelLaws": "cancel stops nothing that comes after it",
    "historyLaws": "the history does what its page says",
}


@pytest.fixture(scope="module")
def late(browser: Browser) -> Iterator[Script]:
    with script_page(browser, "late_answers.js") as script:
        yield script


@pytest.mark.parametrize("law", LAWS, ids=[name.replace(" ", "-") for name in LAWS.values()])
def test_whatever_comes_late(late: Script, law: str) -> None:
    late.call(law)
