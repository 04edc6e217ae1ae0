"""The choice of the model, each browser tab's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import gradio as gr

from lora_mixer import LoraMixerError
from lora_mixer_app.web.desk.controller import DeskController
from lora_mixer_app.web.desk.result_panel import QUICK, Shown
from lora_mixer_app.web.i18n import said, word
from lora_mixer_app.web.notices import as_text
from lora_mixer_app.web.state import AppState

OWN = ("steps", "cfg", "sampler", "schedule", "width", "height", "clip_skip")
"""Settings that go with a model."""


def lay_models(state: AppState) -> gr.Dropdown:
    """Lay out the models of models.toml."""
    names = dict.fromkeys([state.first.name, *state.mixer.models_file.models])
    return gr.Dropdown(
        list(names), value=state.first.name, label=word("model"), visible=len(names) > 1, elem_id="model"
    )


def wire_models(controller: DeskController, model: gr.Dropdown) -> None:
    """Say what a choice does: the model opens with its own settings, and LoRAs are told again whether they fit."""
    state, fields, status = controller.state, controller.fields, controller.panel.status
    own = {name: getattr(fields, name) for name in OWN}

    def choose(request: gr.Request, name: str) -> Iterator[Shown]:
        yield {status: as_text(said(request, "opening", name=name))}
        try:
            found = state.choose_model(request, name)
        except LoraMixerError as error:
            gr.Warning(as_text(str(error)))
            yield {model: state.model(request).name, status: ""}
            return
        if state.model(request).name != name:  # another one was chosen meanwhile
            yield {controller.redraw: gr.skip()}
            return
        defaults = state.mixer.models_file.defaults_for(found.name)
        width, height = found.native_size
        defaults = replace(defaults, width=defaults.width or width, height=defaults.height or height)
        stated = {part: value for key, part in own.items() if (value := getattr(defaults, key)) is not None}
        draw = state.session(request).next_draw()
        yield stated | {status: as_text(found.family.title), controller.redraw: draw}

    model.input(choose, [model], [model, *own.values(), status, controller.redraw], concurrency_limit=None, **QUICK)
