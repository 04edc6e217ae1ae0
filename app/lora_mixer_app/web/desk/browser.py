"""The LoRA browser: search, folders, previews; a click adds a strip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from lora_mixer_app.web.desk.controller import DeskController
from lora_mixer_app.web.desk.result_panel import QUICK, Shown
from lora_mixer_app.web.desk.strip import Strip
from lora_mixer_app.web.desk.sync import added
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.loras import preferred
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState

SHOWN = 24


def lay_browser(state: AppState) -> tuple[gr.Dropdown, gr.Textbox, gr.Dropdown, gr.Gallery]:
    """Lay out the quick choice by name, the search, the folders and the previews."""
    pick = gr.Dropdown(
        [entry.name for entry in state.loras.library.entries],
        value=None,
        label=word("add"),
        info=word("order"),
        elem_id="pick",
        interactive=True,
    )
    with gr.Accordion(word("browse"), open=False):
        with gr.Row(elem_classes="tight"):
            search = gr.Textbox(label=word("search"), max_lines=1, elem_id="lora-search", min_width=100)
            folder = gr.Dropdown(
                [(word("all_folders"), ""), *((name, name) for name in state.loras.folders)],
                value="",
                label=word("folder"),
                min_width=100,
            )
        previews = gr.Gallery(
            label=word("loras"),
            show_label=False,
            columns=3,
            height=260,
            allow_preview=False,
            object_fit="cover",
            elem_id="lora-previews",
            interactive=False,
            buttons=[],
        )
    return pick, search, folder, previews


def wire_browser(
    controller: DeskController,
    page: gr.Blocks,
    pick: gr.Dropdown,
    search: gr.Textbox,
    folder: gr.Dropdown,
    previews: gr.Gallery,
) -> None:
    """Say what they do."""
    state, loras = controller.state, controller.state.loras

    def listed(request: gr.Request, text: str | None, where: str | None) -> list[tuple[str, str]]:
        family = state.model(request).family
        found = loras.search(text or "", where)[:SHOWN]
        state.session(request).listed = tuple(entry.name for entry in found)
        fits = [(entry, loras.fit(entry, family)) for entry in found]
        return [
            (
                str(state.thumbs.of(entry.preview, name=entry.name, grey=fit.reason is not None)),
                f"{entry.name} · {fit.badge}{' ✕' if fit.reason else ''}" if fit.badge else entry.name,
            )
            for entry, fit in fits
        ]

    def add(request: gr.Request, name: str | None, values: tuple[Any, ...]) -> Iterator[Shown]:
        if not name:
            yield {controller.redraw: gr.skip()}
            return
        with as_notice():
            entry = loras.library.find(name)
        if (reason := loras.fit(entry, state.model(request).family).reason) is not None:
            raise gr.Error(said(request, "unfit", name=name, reason=reason), print_exception=False)
        strip = Strip(name=entry.name, denoiser=preferred(entry))
        yield from controller.changed(request, lambda strips: added(strips, [strip]), values)

    def picked(request: gr.Request, event: gr.SelectData, *values: Any) -> Iterator[Shown]:  # noqa: ANN401
        yield {pick: None}
        yield from add(request, str(event.value), values)

    def chosen(request: gr.Request, event: gr.SelectData, *values: Any) -> Iterator[Shown]:  # noqa: ANN401
        names = state.session(request).listed
        place = event.index if isinstance(event.index, int) else 0
        yield from add(request, names[place] if place < len(names) else None, values)

    with_pick = controller.listening | {"outputs": [pick, *controller.outputs]}
    pick.select(picked, controller.inputs, **with_pick)
    previews.select(chosen, controller.inputs, **controller.listening)
    page.load(listed, [search, folder], [previews], **QUICK)
    gr.on([search.input, folder.input], listed, [search, folder], [previews], trigger_mode="always_last", **QUICK)
