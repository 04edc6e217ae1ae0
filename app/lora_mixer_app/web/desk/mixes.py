"""Saved mixes on the desk: save, load, rename, delete, share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from lora_mixer import Mix
from lora_mixer.choices import SUM, find_method
from lora_mixer_app.web.desk.controller import DeskController
from lora_mixer_app.web.desk.conversion import strip_of_use, use_of
from lora_mixer_app.web.desk.result_panel import QUICK, Shown
from lora_mixer_app.web.desk.sync import added
from lora_mixer_app.web.i18n import word
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixes:
    """The components."""

    names: gr.Dropdown
    name: gr.Textbox
    load: gr.Button
    save: gr.Button
    rename: gr.Button
    delete: gr.Button
    share: gr.DownloadButton
    take: gr.UploadButton


def lay_mixes(state: AppState) -> Mixes:
    """Lay out the saved mixes."""
    with gr.Accordion(word("mixes"), open=False, elem_id="mixes"):
        with gr.Row(elem_classes="tight"):
            names = gr.Dropdown(
                list(state.presets.names()), value=None, label=word("saved"), elem_id="mix-names", interactive=True
            )
            name = gr.Textbox(label=word("mix_name"), max_lines=1, elem_id="mix-name", min_width=120)
        with gr.Row(elem_classes="tight"):
            return Mixes(
                names=names,
                name=name,
                load=gr.Button(word("load"), size="sm", elem_id="mix-load", min_width=70),
                save=gr.Button(word("save"), size="sm", elem_id="mix-save", min_width=70),
                rename=gr.Button(word("rename"), size="sm", elem_id="mix-rename", min_width=70),
                delete=gr.Button(word("delete"), size="sm", elem_id="mix-delete", min_width=70),
                share=gr.DownloadButton(str(word("share")), size="sm", elem_id="mix-share", min_width=70),
                take=gr.UploadButton(
                    str(word("take_in")), size="sm", file_types=[".toml"], elem_id="mix-take", min_width=70
                ),
            )


def wire_mixes(controller: DeskController, mixes: Mixes, page: gr.Blocks) -> None:
    """Say what the buttons do."""
    state, presets = controller.state, controller.state.presets

    def listed(chosen: str | None) -> Shown:
        return {
            mixes.names: gr.Dropdown(choices=list(presets.names()), value=chosen),
            mixes.share: gr.DownloadButton(value=str(presets.path(chosen)) if chosen else None),
        }

    def laid(request: gr.Request, mix: Mix, values: tuple[Any, ...]) -> Iterator[Shown]:
        family = state.model(request).family
        strips = [strip_of_use(use, family=family) for use in mix.uses if not use.strength.negative]
        settings = controller.fields.with_method(values[2:], mix.method)
        yield {controller.fields.method: mix.method}
        yield from controller.changed(request, lambda before: added([], strips, after=before), (*values[:2], *settings))

    def load(request: gr.Request, chosen: str | None, *values: Any) -> Iterator[Shown]:  # noqa: ANN401
        with as_notice():
            mix = presets.load(chosen or "")
        yield {mixes.share: gr.DownloadButton(value=str(presets.path(chosen or "")))}
        yield from laid(request, mix, values)

    def take(request: gr.Request, file: str, *values: Any) -> Iterator[Shown]:  # noqa: ANN401
        name = Path(file).stem
        with as_notice():
            mix = presets.take_in(name, Path(file).read_bytes())
        yield listed(name)
        yield from laid(request, mix, values)

    def save(request: gr.Request, name: str | None, chosen: str | None, steps: int, method: str) -> Shown:
        called, family = (name or chosen or "").strip(), state.model(request).family
        on = [strip for strip in state.session(request).strips if strip.on]
        with as_notice():
            uses = tuple(use_of(strip, family=family, steps=steps) for strip in on)
            presets.save(called, Mix(uses, str(find_method(method or SUM.row.name))))
        return listed(called)

    def rename(chosen: str | None, name: str | None) -> Shown:
        with as_notice():
            presets.rename(chosen or "", name or "")
        return listed((name or "").strip())

    def delete(chosen: str | None) -> Shown:
        with as_notice():
            presets.delete(chosen or "")
        return listed(None)

    lists = [mixes.names, mixes.share]
    playing = controller.listening | {"outputs": [*lists, controller.fields.method, *controller.outputs]}
    page.load(lambda: listed(None), None, lists, **QUICK)
    mixes.load.click(load, [mixes.names, *controller.inputs], **playing)
    mixes.take.upload(take, [mixes.take, *controller.inputs], **playing)
    mixes.save.click(save, [mixes.name, mixes.names, controller.fields.steps, controller.fields.method], lists, **QUICK)
    mixes.rename.click(rename, [mixes.names, mixes.name], lists, **QUICK)
    mixes.delete.click(delete, [mixes.names], lists, **QUICK)
