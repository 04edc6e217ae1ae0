"""The page as a table of contents: a heading, the desk, the tabs."""

from __future__ import annotations

from collections.abc import Callable

import gradio as gr
from gradio.block_function import BlockFunction

from lora_mixer_app.web.api import NAME, offer_render
from lora_mixer_app.web.desk import build_desk
from lora_mixer_app.web.i18n import word
from lora_mixer_app.web.mixing_api import offer_mixing
from lora_mixer_app.web.notices import noticed
from lora_mixer_app.web.state import AppState
from lora_mixer_app.web.tabs import TABS

PREVIEWS_KEPT = 3600
"""Seconds that previews and uploads stay in Gradio's own folder; finished pictures lie elsewhere."""


def build_page(state: AppState) -> gr.Blocks:
    """Build the page over an `AppState`."""
    page: gr.Blocks
    kept = (PREVIEWS_KEPT, PREVIEWS_KEPT)
    with gr.Blocks(title="LoRA Mixer", analytics_enabled=False, fill_width=True, delete_cache=kept) as page:
        gr.Markdown("# LoRA Mixer", elem_id="title")
        with gr.Tabs(selected="desk", overflow_behavior="wrap", elem_id="tabs") as tabs:
            with gr.Tab(word("desk"), id="desk", elem_id="tab-desk"):
                desk = build_desk(state, page, tabs)
            for tab in TABS:
                with gr.Tab(word(tab.name), id=tab.name, elem_id=f"tab-{tab.name}"):
                    tab.build(state, desk)
        offer_render(state)
        offer_mixing(state)
        page.unload(state.forget)
    for listener in page.fns.values():
        if listener.fn is not None and listener.renderable is None:
            listener.fn = noticed(listener.fn, shown=listener.api_name != NAME)
    page.validate_inputs = _padded(page.validate_inputs)  # type: ignore[method-assign]
    return page


def _padded(check: Callable[..., None]) -> Callable[..., None]:
    """Let callers of the endpoint leave out the settings at its end, as those of 0.1 do, who know twelve of them."""

    def checked(listener: BlockFunction, inputs: list[object]) -> None:
        if listener.api_name == NAME:
            inputs.extend([None] * (len(listener.inputs) - len(inputs)))
        check(listener, inputs)

    return checked
