"""The history as the desk shows it: find, look at, pin, delete, and lay a picture's settings on the desk."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from lora_mixer.errors import RequestError
from lora_mixer_app.serving.history import Kept
from lora_mixer_app.web.desk.document import document_of
from lora_mixer_app.web.desk.starts import taken_back
from lora_mixer_app.web.how_made import how_made
from lora_mixer_app.web.i18n import said
from lora_mixer_app.web.links import link_to
from lora_mixer_app.web.notices import line_in_words
from lora_mixer_app.web.state import AppState, owner_of

Form = dict[str, Any]


def picture_form(state: AppState, request: gr.Request, kept: Kept) -> Form:
    """Return what the browser shows of a kept picture."""
    settings = kept.record.settings
    thumb = state.thumbs.of(kept.path, name=kept.path.name, owner=owner_of(request))
    return {
        "id": kept.id,
        "url": link_to(kept.path),
        "thumb": link_to(thumb),
        "name": kept.path.name,
        "pinned": kept.pinned,
        "seed": settings.seed,
        "prompt": settings.prompt,
        "record": how_made(kept.record, partial(line_in_words, request=request)),
        "places": len(kept.record.places),
    }


def list_pictures(state: AppState, request: gr.Request, data: Form) -> list[Form]:
    """Return the owner's pictures that match a text (`text`), newest first and pinned ones before."""
    found = state.history.search(str(data.get("text") or ""), owner=owner_of(request))
    return [picture_form(state, request, kept) for kept in found]


def pin_picture(state: AppState, request: gr.Request, data: Form) -> Form:
    """Pin a picture or not (`id`, `pinned`)."""
    kept = kept_picture(state, request, data)
    state.history.pin(kept.id, pinned=bool(data.get("pinned")), owner=owner_of(request))
    return picture_form(state, request, kept_picture(state, request, data))


def delete_picture(state: AppState, request: gr.Request, data: Form) -> None:
    """Put a picture (`id`) into the bin."""
    state.history.throw_away(kept_picture(state, request, data).id, owner=owner_of(request))


def restore_picture(state: AppState, request: gr.Request, data: Form) -> Form:
    """Take a picture (`id`) out of the bin."""
    kept = state.history.restore(kept_picture(state, request, data).id, owner=owner_of(request))
    if kept is None:
        raise RequestError(said(request, "gone"))
    return picture_form(state, request, kept)


def picture_document(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return a picture's settings (`id`) as a document, with the pictures it started from."""
    kept = kept_picture(state, request, data)
    asked = taken_back(state.inputs, kept, owner=owner_of(request))
    return document_of(asked, family=state.model(request).family)


def kept_picture(state: AppState, request: gr.Request, data: Form) -> Kept:
    """Return a picture of the owner's (`id`).

    Raises:
        RequestError: It is gone.
    """
    kept = state.history.get(int(data.get("id") or 0), owner=owner_of(request))
    if kept is None:
        raise RequestError(said(request, "gone"))
    return kept
