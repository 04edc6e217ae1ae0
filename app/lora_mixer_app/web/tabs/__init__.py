"""The tabs beside the desk: a table of rows. A new tab is a file here and a row below."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs.history import build_history
from lora_mixer_app.web.tabs.inspect import build_inspect
from lora_mixer_app.web.tabs.picture_info import build_picture_info
from lora_mixer_app.web.tabs.prompt_file import build_prompt_file
from lora_mixer_app.web.tabs.sheets import build_sheets
from lora_mixer_app.web.tabs.train import build_train


class Tab(NamedTuple):
    """A row: the key of its title in `web.i18n`, and what lays it out inside the open `gr.Tab`."""

    name: str
    build: Callable[[AppState, Desk], None]


TABS: tuple[Tab, ...] = (
    Tab("history", build_history),
    Tab("sheets", build_sheets),
    Tab("prompt_file", build_prompt_file),
    Tab("picture_info", build_picture_info),
    Tab("inspect", build_inspect),
    Tab("train", build_train),
)
