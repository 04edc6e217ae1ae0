"""Saved mixes on the desk: list, save, load, rename, delete, share."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lora_mixer import Mix, RenderRequest
from lora_mixer.choices import SUM, find_method
from lora_mixer.promptfile import MixFile, mix_text, parse_mix_file
from lora_mixer_app.web.desk.asked import model_of
from lora_mixer_app.web.desk.conversion import sounding, use_of
from lora_mixer_app.web.desk.document import document_of, read_document
from lora_mixer_app.web.desk.regions import filled, with_sent_places
from lora_mixer_app.web.desk.starts import with_drawn_masks, with_sent_masks
from lora_mixer_app.web.state import AppState, owner_of

Form = dict[str, Any]


def list_mixes(state: AppState, request: gr.Request, data: Form) -> list[str]:
    """Return the names of all saved mixes."""
    del request, data
    return list(state.presets.names())


def save_mix(state: AppState, request: gr.Request, data: Form) -> list[str]:
    """Save what is on of a `document` under a `name`."""
    state.presets.save(str(data.get("name") or "").strip(), mix_of(state, request, data))
    return list_mixes(state, request, data)


def load_mix(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return a saved mix (`name`) as strips, and how it is blended."""
    return _laid(state, request, state.presets.load(str(data.get("name") or "")))


def read_mix(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return a mix that somebody pasted or dropped (`toml`) as strips; under a `name`, it is saved too."""
    toml, name = str(data.get("toml") or "").encode(), str(data.get("name") or "")
    return _laid(state, request, state.presets.take_in(name, toml) if name else parse_mix_file(toml, where="TOML"))


def write_mix(state: AppState, request: gr.Request, data: Form) -> str:
    """Return what is on of a `document` as TOML, to share."""
    return mix_text(*mix_of(state, request, data))


def rename_mix(state: AppState, request: gr.Request, data: Form) -> list[str]:
    """Give a mix (`name`) another name (`new`)."""
    state.presets.rename(str(data.get("name") or ""), str(data.get("new") or ""))
    return list_mixes(state, request, data)


def delete_mix(state: AppState, request: gr.Request, data: Form) -> list[str]:
    """Put a mix (`name`) into the bin."""
    state.presets.delete(str(data.get("name") or ""))
    return list_mixes(state, request, data)


def restore_mix(state: AppState, request: gr.Request, data: Form) -> list[str]:
    """Bring back the mix that was deleted or replaced under a `name` last."""
    state.presets.restore(str(data.get("name") or ""))
    return list_mixes(state, request, data)


def mix_of(state: AppState, request: gr.Request, data: Form) -> MixFile:
    """Return the mix of a `document`: the strips that are heard, in the whole picture and in regions."""
    document = read_document(data.get("document"))
    family = model_of(state, request, document.request.model).family
    steps, grammar = document.request.steps or 1, document.request.grammar or "default"
    owner = owner_of(request)
    heard = sounding(with_drawn_masks(document.strips, state.inputs, owner=owner))
    inside = {number for region in document.regions for number in region.strips}
    uses = tuple(use_of(strip, family=family, steps=steps) for strip in heard if strip.number not in inside)
    regions = with_sent_places(document.regions, state.inputs, owner=owner)
    parts = tuple(filled(regions, heard, family=family, steps=steps, grammar=grammar))
    return MixFile(Mix(uses, str(find_method(document.request.method or SUM.row.name))), parts)


def _laid(state: AppState, request: gr.Request, file: MixFile) -> Form:
    uses = tuple(use for use in file.mix.uses if not use.strength.negative)
    asked = RenderRequest(prompt="", loras=uses, regions=file.regions)
    held = with_sent_masks(asked, state.inputs, owner=owner_of(request))
    laid = document_of(held, family=state.model(request).family)
    return {"strips": laid["strips"], "regions": laid["regions"], "method": file.mix.method}
