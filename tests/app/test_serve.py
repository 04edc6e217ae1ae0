"""What the page is served with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lora_mixer.errors import RequestError
from lora_mixer_app.arguments import parse_login
from lora_mixer_app.commands.ui import ui
from lora_mixer_app.ui import server


class Page:
    """A page that is not served; what Gradio would be asked for is in `asked`."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def queue(self, **how: object) -> Page:
        self.asked |= how
        return self

    def launch(self, **how: object) -> None:
        self.asked |= how


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    page = Page()
    monkeypatch.setattr(server, "build_page", lambda _studio: page)
    return page.asked


def test_the_page_answers_this_machine_only_tells_nobody_and_asks_for_logins(
    launched: dict[str, Any], tmp_path: Path
) -> None:
    ui(output=tmp_path, auth=["ada:one", "bo:two:three"])
    assert launched["server_name"] == "127.0.0.1"
    assert not any(launched[name] for name in ("share", "enable_monitoring", "mcp_server", "show_error"))
    assert launched["auth"] == [("ada", "one"), ("bo", "two:three")]


@pytest.mark.parametrize("text", ["ada", "ada:", ":one", ""])
def test_a_login_is_a_name_and_a_password(text: str) -> None:
    with pytest.raises(RequestError, match="NAME:PASSWORD"):
        parse_login(text)
