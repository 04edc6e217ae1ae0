"""What the page's script may ask the server, as a table: a new question is a row here and a function in its room.

A function takes the shared state, the request and what was sent, and returns JSON. What it raises is answered as
`{"error": text}`, which the script turns into an error of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import gradio as gr
from starlette.requests import Request

from lora_mixer import LoraMixerError
from lora_mixer_app.web.desk.answers import KIND, newest_answer
from lora_mixer_app.web.desk.as_prompt import document_prompt
from lora_mixer_app.web.desk.completions import list_completions
from lora_mixer_app.web.desk.facts import document_facts
from lora_mixer_app.web.desk.found_places import picture_places, places_document
from lora_mixer_app.web.desk.kept import keep_document, kept_document
from lora_mixer_app.web.desk.library import like_lora, list_library, lora_details, lora_facts
from lora_mixer_app.web.desk.mixes import (
    delete_mix,
    list_mixes,
    load_mix,
    read_mix,
    rename_mix,
    restore_mix,
    save_mix,
    write_mix,
)
from lora_mixer_app.web.desk.mixing import balance_mix, propose_mixes, surprise_mix
from lora_mixer_app.web.desk.models import choose_model
from lora_mixer_app.web.desk.moves import lora_moves
from lora_mixer_app.web.desk.pasted import pasted_document
from lora_mixer_app.web.desk.pictures import (
    delete_picture,
    list_pictures,
    picture_document,
    pin_picture,
    restore_picture,
)
from lora_mixer_app.web.desk.side import begin_film, cancel_beside, end_film, render_beside
from lora_mixer_app.web.logins import user_of
from lora_mixer_app.web.notices import error_in_words, unexpected
from lora_mixer_app.web.state import AppState

Question = Callable[[AppState, gr.Request, dict[str, Any]], Any]


def cancel(state: AppState, request: gr.Request, data: dict[str, Any]) -> None:
    """Stop what the tab renders."""
    del data
    state.session(request).cancel(KIND)


QUESTIONS: Mapping[str, Question] = MappingProxyType(
    {
        "cancel": cancel,
        "completions": list_completions,
        "document.facts": document_facts,
        "document.keep": keep_document,
        "document.kept": kept_document,
        "document.prompt": document_prompt,
        "library.list": list_library,
        "library.details": lora_details,
        "library.like": like_lora,
        "loras.facts": lora_facts,
        "loras.moves": lora_moves,
        "mixes.list": list_mixes,
        "mixes.save": save_mix,
        "mixes.load": load_mix,
        "mixes.read": read_mix,
        "mixes.write": write_mix,
        "mixes.rename": rename_mix,
        "mixes.delete": delete_mix,
        "mixes.restore": restore_mix,
        "model.choose": choose_model,
        "pasted.document": pasted_document,
        "pictures.list": list_pictures,
        "pictures.pin": pin_picture,
        "pictures.delete": delete_picture,
        "pictures.restore": restore_picture,
        "pictures.document": picture_document,
        "mix.balance": balance_mix,
        "mix.surprise": surprise_mix,
        "mix.propose": propose_mixes,
        "render.newest": newest_answer,
        "side.render": render_beside,
        "side.cancel": cancel_beside,
        "film.begin": begin_film,
        "film.end": end_film,
        "places.list": picture_places,
        "places.document": places_document,
    }
)


def answering(state: AppState) -> Callable[..., Any]:
    """Return the one function that the script calls, of `{session, name, data}`."""

    def ask(sent: Any, request: gr.Request) -> Any:  # noqa: ANN401 JSON in, JSON out
        try:
            question = QUESTIONS[sent["name"]]
            return {"answer": question(state, _asker(request, sent), dict(sent.get("data") or {}))}
        except LoraMixerError as error:
            return {"error": error_in_words(error, _asker(request, sent))}
        except Exception as error:  # noqa: BLE001 it is told, and logged
            return {"error": unexpected(error, _asker(request, sent))}

    return ask


def _asker(request: Any, sent: Mapping[str, Any]) -> gr.Request:  # noqa: ANN401 Gradio hands FastAPI's own on
    """Return the request as listeners have it: with the tab's session and the name of who is logged in."""
    if not isinstance(request, Request):
        return request  # type: ignore[no-any-return]
    return gr.Request(request, username=user_of(request.scope) or None, session_hash=str(sent.get("session") or ""))
