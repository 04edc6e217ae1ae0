"""What a render writes to: the picture, the words about it, the gallery of what was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from lora_mixer.images import infotext
from lora_mixer_app.serving.history import Kept
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState, owner_of

Shown = dict[Component, Any]
QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""How Gradio calls what answers at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPanel:
    """The components, and how a kept picture is put on them."""

    state: AppState
    picture: gr.Image
    status: gr.Markdown
    record: gr.Textbox
    download: gr.DownloadButton
    pin: gr.Button
    use: gr.Button
    delete: gr.Button
    keep: gr.Button
    search: gr.Textbox
    gallery: gr.Gallery
    compare: gr.ImageSlider

    @property
    def outputs(self) -> list[Component]:
        """What changes when a picture is made, chosen or deleted."""
        return [self.picture, self.status, self.record, self.download, self.pin, self.gallery, self.compare]

    def show(self, request: gr.Request, kept: Kept | None) -> Shown:
        """Put a picture on the screen, or none."""
        session = self.state.session(request)
        session.selected = kept.id if kept else None
        shown: Shown = {
            self.picture: str(kept.path) if kept else None,
            self.record: infotext(kept.record) if kept else "",
            self.download: gr.DownloadButton(value=str(kept.path) if kept else None, interactive=kept is not None),
            self.pin: gr.Button(word("unpin" if kept and kept.pinned else "pin")),
        }
        if session.compared is not None and kept is not None:
            shown[self.compare] = gr.ImageSlider(value=(str(session.compared), str(kept.path)), visible=True)
        return shown

    def list(self, request: gr.Request, text: str | None) -> Shown:
        """Put an owner's pictures that match a text into the gallery."""
        found = self.state.history.search(text or "", owner=owner_of(request))
        self.state.session(request).shown = tuple(kept.id for kept in found)
        return {self.gallery: [(str(self._thumb(kept, owner_of(request))), _caption(kept)) for kept in found]}

    def _thumb(self, kept: Kept, owner: str) -> Path:
        return self.state.thumbs.of(kept.path, name=kept.path.name, owner=owner)

    def selected(self, request: gr.Request) -> Kept | None:
        """Return the picture that is shown large, if it is still there."""
        key = self.state.session(request).selected
        return None if key is None else self.state.history.get(key, owner=owner_of(request))


def lay_screen(state: AppState) -> ResultPanel:
    """Lay out picture, record and gallery."""
    picture = gr.Image(
        label=word("picture"),
        type="filepath",
        format="png",
        elem_id="picture",
        interactive=False,
        height=420,
        buttons=["download", "fullscreen"],
    )
    status = gr.Markdown(word("empty"), elem_id="status")
    with gr.Row(elem_classes="tight"):
        use = gr.Button(word("use"), size="sm", elem_id="use", min_width=80)
        pin = gr.Button(word("pin"), size="sm", elem_id="pin", min_width=80)
        keep = gr.Button(word("compare_with"), size="sm", elem_id="keep", min_width=80)
        download = gr.DownloadButton(
            str(word("download")), size="sm", elem_id="download", interactive=False, min_width=80
        )
        delete = gr.Button(word("delete"), size="sm", variant="stop", elem_id="delete", min_width=80)
    compare = gr.ImageSlider(
        label=str(word("compare")), type="filepath", format="png", elem_id="compare", interactive=False, visible=False
    )
    with gr.Accordion(word("record"), open=False):
        record = gr.Textbox(label=word("record"), lines=6, interactive=False, elem_id="record", buttons=["copy"])
    search = gr.Textbox(
        label=word("history"), placeholder=word("history_hint"), lines=1, elem_id="history-search", max_lines=1
    )
    gallery = gr.Gallery(
        label=word("history"),
        show_label=False,
        columns=5,
        height=260,
        allow_preview=False,
        object_fit="contain",
        elem_id="history",
        interactive=False,
        buttons=[],
    )
    return ResultPanel(
        state=state,
        picture=picture,
        status=status,
        record=record,
        download=download,
        pin=pin,
        use=use,
        delete=delete,
        keep=keep,
        search=search,
        gallery=gallery,
        compare=compare,
    )


def wire_screen(panel: ResultPanel, page: gr.Blocks) -> None:
    """Say what the gallery and the buttons below the picture do ("use these settings" is the desk's)."""
    history = panel.state.history

    def choose(request: gr.Request, event: gr.SelectData) -> Shown:
        shown = panel.state.session(request).shown
        place = event.index if isinstance(event.index, int) else 0
        kept = history.get(shown[place], owner=owner_of(request)) if place < len(shown) else None
        return panel.show(request, kept) | {panel.status: "" if kept else said(request, "gone")}

    def pin(request: gr.Request, text: str | None) -> Shown:
        if (kept := panel.selected(request)) is None:
            return {panel.status: said(request, "choose_first")}
        history.pin(kept.id, pinned=not kept.pinned, owner=owner_of(request))
        return panel.show(request, panel.selected(request)) | panel.list(request, text)

    def delete(request: gr.Request, text: str | None) -> Shown:
        if (kept := panel.selected(request)) is None:
            return {panel.status: said(request, "choose_first")}
        with as_notice():
            panel.state.discard(kept, owner=owner_of(request))
        return panel.show(request, None) | panel.list(request, text) | {panel.status: said(request, "deleted")}

    def keep(request: gr.Request) -> Shown:
        if (kept := panel.selected(request)) is None:
            return {panel.status: said(request, "choose_first")}
        panel.state.session(request).compared = kept.path
        return panel.show(request, kept)

    quick = QUICK | {"outputs": panel.outputs}
    page.load(panel.list, [panel.search], **quick)
    panel.search.input(panel.list, [panel.search], trigger_mode="always_last", **quick)
    panel.gallery.select(choose, None, **quick)
    panel.pin.click(pin, [panel.search], **quick)
    panel.delete.click(delete, [panel.search], **quick)
    panel.keep.click(keep, None, **quick)


def _caption(kept: Kept) -> str:
    return f"{'★ ' if kept.pinned else ''}{kept.record.settings.seed}"
