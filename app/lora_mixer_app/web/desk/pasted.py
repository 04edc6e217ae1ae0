"""Settings that come as text: what A1111, Forge, Civitai and this page copy as a picture's generation data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gradio as gr

from lora_mixer.images import PictureInfo
from lora_mixer.images.read import info_of_text
from lora_mixer.mixer import with_local_names
from lora_mixer_app.web.desk.document import document_of
from lora_mixer_app.web.notices import line_in_words
from lora_mixer_app.web.state import AppState


def pasted_document(state: AppState, request: gr.Request, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the settings in a pasted `text` as a document, with what could not be read of them; None if it holds none.

    The tab's model stays: names of models are other ones elsewhere.
    """
    info = info_of_text(str(data.get("text") or ""))
    if not _has_settings(info):
        return None
    here = with_local_names(info, state.mixer.library)
    assert here.request is not None
    model = state.model(request)
    wish = replace(here.request, model=model.name)
    notes = [line_in_words(note, request) for note in here.notes]
    return {"document": document_of(wish, family=model.family), "notes": notes}


def _has_settings(info: PictureInfo) -> bool:
    return info.request is not None and info.infotext is not None and bool(info.infotext.fields)
