"""The tabs beside the desk: a table of rows. A new tab is a file here and a row below."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lora_mixer_app.ui.desk import Desk
from lora_mixer_app.ui.studio import Studio


class Tab(NamedTuple):
    """A row: the key of its title in `ui.words`, and what lays it out inside the open `gr.Tab`."""

    name: str
    build: Callable[[Studio, Desk], None]


TABS: tuple[Tab, ...] = ()
