"""The desk of somebody who logs in, kept on the server: it is there on another machine too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

from lora_mixer.errors import FileError
from lora_mixer.files import read_file
from lora_mixer.images import write_whole
from lora_mixer_app.serving.owners import folder_of
from lora_mixer_app.web.desk.document import read_form
from lora_mixer_app.web.state import AppState, owner_of

NAME = "desk.json"
MOST_BYTES = 1024 * 1024


def keep_document(state: AppState, request: gr.Request, data: dict[str, Any]) -> None:
    """Keep a `document` for whoever is logged in; without a login the browser alone keeps it."""
    owner = owner_of(request)
    if not owner:
        return
    form = read_form(data.get("document"))
    place = _place(state, owner)
    place.parent.mkdir(parents=True, exist_ok=True)
    text = form.model_dump_json().encode()
    write_whole(place, lambda out: out.write(text))


def kept_document(state: AppState, request: gr.Request, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the document that was kept for whoever is logged in, if there is one."""
    del data
    owner = owner_of(request)
    if not owner:
        return None
    place = _place(state, owner)
    try:
        told = json.loads(read_file(place, at_most=MOST_BYTES, inside=place.parent))
    except (FileError, ValueError):
        return None
    return read_form(told).model_dump(mode="json")


def _place(state: AppState, owner: str) -> Path:
    return folder_of(state.desks, owner) / NAME
