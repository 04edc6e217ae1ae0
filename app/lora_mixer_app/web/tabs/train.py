"""The train tab: its script is `static/tabs/train.js`, which asks `web.panes.training`."""

from __future__ import annotations

from lora_mixer_app.web.component import own_component
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.state import AppState


def build_train(state: AppState, desk: Desk) -> None:
    """Lay out the tab."""
    del state, desk  # the script asks the one, and tells the other
    own_component("tabs/train.js", elem_id="train-tab")
