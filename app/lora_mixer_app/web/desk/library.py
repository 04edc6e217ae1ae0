"""The library as the desk asks for it: all cards, what is known of one, favourites, and what a strip says of its LoRA."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import gradio as gr

from lora_mixer.errors import LoraMixerError
from lora_mixer_app.web.notices import line_in_words
from lora_mixer_app.web.state import AppState, owner_of

Form = dict[str, Any]


def list_library(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return all cards for a `model`; after a `look` at the folders; only whether they changed since a `known` stamp."""
    family = state.family_of(str(data.get("model") or "") or None)
    known, look = str(data.get("known") or ""), bool(data.get("look"))
    found = state.library.listing(family, owner=owner_of(request), look=look, known=known)
    found |= {"loras": [_in_words(card, request) for card in found["loras"]]} if "loras" in found else {}
    broken = [row | {"reason": line_in_words(row["reason"], request)} for row in found.get("broken", ())]
    return found | {"broken": broken} if "broken" in found else found


def lora_details(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return all that is known of a LoRA (`name`)."""
    told = state.library.details(str(data.get("name") or ""), state.family_of(str(data.get("model") or "") or None))
    return _in_words(told, request) | {"problems": [line_in_words(problem, request) for problem in told["problems"]]}


def like_lora(state: AppState, request: gr.Request, data: Form) -> None:
    """Make a LoRA (`name`) a favourite or not (`on`)."""
    state.library.like(str(data.get("name") or ""), liked=bool(data.get("on")), owner=owner_of(request))


def lora_facts(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return the cards of LoRAs by name (`names`); of one that cannot be found, why not and what to do."""
    return {str(name): _facts(state, request, str(name)) for name in data.get("names") or ()}


def _facts(state: AppState, request: gr.Request, name: str) -> Form:
    thumb = f"panes/preview?name={quote(name)}"
    try:
        card = state.library.card(name, state.model(request).family)
    except LoraMixerError as error:
        problem = line_in_words(f"{error.what}. {error.remedy or ''}".strip(), request)
        return {"name": name, "thumb": thumb, "problem": problem, "words": [], "texts": True, "missing": True}
    card = _in_words(card, request)
    return card | {"thumb": f"{thumb}&v={card['stamp']}", "problem": card["unfit"]}


def _in_words(card: Form, request: gr.Request) -> Form:
    """Return a card that says in the reader's language why its LoRA does not fit the model."""
    return card | {"unfit": line_in_words(card["unfit"], request)} if card["unfit"] else card
