"""What a browser tab's document asks for, as the model it names renders it."""

from __future__ import annotations

from dataclasses import replace

import gradio as gr

from lora_mixer import RenderRequest
from lora_mixer_app.web.desk.conversion import request_of, sounding
from lora_mixer_app.web.desk.document import read_document
from lora_mixer_app.web.desk.regions import filled, with_sent_places
from lora_mixer_app.web.desk.starts import start_fields, with_drawn_masks
from lora_mixer_app.web.desk.strip import strip_of
from lora_mixer_app.web.desk.sync import Strips, read_tags
from lora_mixer_app.web.opened import Opened
from lora_mixer_app.web.state import AppState, owner_of

BY_CHANCE = ("seed", "subseed")


def asked_request(state: AppState, request: gr.Request, data: object) -> RenderRequest:
    """Return the request of a document; its model becomes the tab's.

    Raises:
        RequestError, PromptError: The document asks for something impossible.
        ModelError, FileError: Its model cannot be opened.
    """
    asked = read_document(data)
    model = model_of(state, request, asked.request.model)
    owner = owner_of(request)
    start = start_fields(asked.form.start, asked.form.settings, state.inputs, owner=owner)
    wish = replace(asked.request, model=model.name, grammar=asked.request.grammar or grammar_of(state, model), **start)
    strips = with_drawn_masks(asked.strips, state.inputs, owner=owner)
    regions = with_sent_places(asked.regions, state.inputs, owner=owner)
    inside = {number for one in regions for number in one.strips}
    steps, grammar = wish.steps or 1, wish.grammar or "default"
    whole = request_of(wish, strips, family=model.family, steps=steps, inside=inside)
    parts = filled(regions, sounding(strips), family=model.family, steps=steps, grammar=grammar)
    return replace(whole, regions=tuple(parts))


def heard_strips(state: AppState, request: gr.Request, data: object) -> Strips:
    """Return the strips of a document that are heard, and those that its prompt's tags stand for.

    Raises:
        RequestError, PromptError: The document asks for something impossible.
    """
    asked = read_document(data)
    heard = sounding(with_drawn_masks(asked.strips, state.inputs, owner=owner_of(request)))
    if any(strip.solo for strip in heard):
        return heard
    grammar = grammar_of(state, model_of(state, request, asked.request.model))
    return (*heard, *map(strip_of, read_tags(asked.request.prompt, grammar)))


def model_of(state: AppState, request: gr.Request, name: str | None) -> Opened:
    """Return the model a document names, opened if it never was; without a name, the tab's own."""
    if name and name != state.model(request).name:
        return state.choose_model(request, name)
    return state.model(request)


def grammar_of(state: AppState, model: Opened) -> str:
    """Return how prompts are read for a model."""
    return state.mixer.models_file.defaults_for(model.name).grammar or "default"


def on_same_noise(state: AppState, owner: str, asked: RenderRequest, picture: int | None) -> RenderRequest:
    """Return a request with the seeds of a kept picture where it leaves them to chance."""
    kept = None if picture is None else state.history.get(picture, owner=owner)
    if kept is None:
        return asked
    shown = kept.record.settings
    seeds = {
        name: getattr(shown, name)
        for name in BY_CHANCE
        if getattr(asked, name) in {None, -1} and getattr(shown, name) is not None
    }
    return replace(asked, **seeds)


def moved_on(asked: RenderRequest, offset: int) -> RenderRequest:
    """Return a request for a later picture of several: with the seed so much further, unless it is left to chance."""
    if not offset or asked.seed is None or asked.seed < 0:
        return asked
    return replace(asked, seed=asked.seed + offset)
