"""The history tab: its script is `static/tabs/history.js`, which asks `web.panes`."""

from __future__ import annotations

import gradio as gr

from lora_mixer import RenderRequest
from lora_mixer.errors import RequestError
from lora_mixer_app.web.component import own_component
from lora_mixer_app.web.desk import Desk
from lora_mixer_app.web.i18n import said
from lora_mixer_app.web.state import AppState, owner_of


def build_history(state: AppState, desk: Desk) -> None:
    """Lay out the tab."""
    shown = own_component("tabs/history.js", elem_id="history-tab")

    def settings(request: gr.Request, event: gr.EventData) -> RenderRequest:
        sent = event._data  # noqa: SLF001 how Gradio hands on what a script sent
        kept = state.history.get(int(sent["id"]), owner=owner_of(request))
        if kept is None:
            raise RequestError(said(request, "gone"))
        return kept.record.settings.request()

    desk.receive(shown.submit, settings)
