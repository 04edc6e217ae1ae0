"""The library as the desk shows it: cards to choose from, and what a strip says of its LoRA."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lora_mixer.catalog import LoraEntry
from lora_mixer.errors import LoraMixerError
from lora_mixer_app.web.links import link_to
from lora_mixer_app.web.loras import chips, preferred
from lora_mixer_app.web.notices import without_folders
from lora_mixer_app.web.state import AppState

CHIPS = 6
Form = dict[str, Any]


def list_loras(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return the folders, and a card for each LoRA whose name or words hold a text (`text`), of a folder (`folder`)."""
    found = state.loras.search(str(data.get("text") or ""), data.get("folder") or None)
    return {"folders": list(state.loras.folders), "cards": [card(state, request, entry) for entry in found]}


def card(state: AppState, request: gr.Request, entry: LoraEntry) -> Form:
    """Return what the browser shows of a LoRA."""
    fit = state.loras.fit(entry, state.model(request).family)
    return {
        "name": entry.name,
        "thumb": link_to(state.thumbs.of(entry.preview, name=entry.name, grey=fit.reason is not None)),
        "folder": entry.path.parent.name,
        "base": fit.badge,
        "problem": fit.reason,
        "texts": fit.texts,
        "strength": preferred(entry),
        "range": entry.sidecar.strength_range,
        "words": list(chips(entry, CHIPS)),
    }


def lora_facts(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return the cards of LoRAs by name (`names`); of one that cannot be found, why not and what to do."""
    return {str(name): _facts(state, request, str(name)) for name in data.get("names") or ()}


def _facts(state: AppState, request: gr.Request, name: str) -> Form:
    try:
        return card(state, request, state.loras.library.find(name))
    except LoraMixerError as error:
        thumb = link_to(state.thumbs.of(None, name=name, grey=True))
        problem = without_folders(f"{error.what}. {error.remedy or ''}")
        return {"name": name, "thumb": thumb, "problem": problem, "words": [], "texts": True, "missing": True}
