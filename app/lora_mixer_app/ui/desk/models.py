"""The choice of the model, each browser tab's own."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr

from lora_mixer_app.ui.desk.board import Board
from lora_mixer_app.ui.desk.screen import QUICK, Shown
from lora_mixer_app.ui.notices import as_notice, as_text
from lora_mixer_app.ui.studio import Studio
from lora_mixer_app.ui.words import said, word


def lay_models(studio: Studio) -> gr.Dropdown:
    """Lay out the models of models.toml."""
    names = dict.fromkeys([studio.first.name, *studio.mixer.models_file.models])
    return gr.Dropdown(
        list(names), value=studio.first.name, label=word("model"), visible=len(names) > 1, elem_id="model"
    )


def wire_models(board: Board, model: gr.Dropdown) -> None:
    """Say what a choice does: the model is opened, at its own size, and the LoRAs are told again whether they fit."""
    studio, fields, status = board.studio, board.fields, board.screen.status

    def choose(request: gr.Request, name: str) -> Iterator[Shown]:
        yield {status: as_text(said(request, "opening", name=name))}
        with as_notice():
            found = studio.choose_model(request, name)
        width, height = found.native_size
        draw = studio.session(request).next_draw()
        yield {fields.width: width, fields.height: height, status: as_text(found.family.full_name), board.redraw: draw}

    model.input(choose, [model], [fields.width, fields.height, status, board.redraw], concurrency_limit=None, **QUICK)
