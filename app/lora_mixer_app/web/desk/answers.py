"""A render as the browser hears of it: that it began, a preview after every step, then the picture, or why there is none.

Every answer carries the number of the document it answers. The browser keeps the newest, in whatever order they come.
"""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import gradio as gr
from PIL import Image

from lora_mixer import RenderedImage, RenderRequest
from lora_mixer.errors import CancelledError, LoraMixerError
from lora_mixer_app.web.desk.asked import asked_request, moved_on, on_same_noise
from lora_mixer_app.web.desk.pictures import picture_form
from lora_mixer_app.web.notices import error_in_words, line_in_words, unexpected
from lora_mixer_app.web.session import PageSession
from lora_mixer_app.web.state import AppState, owner_of
from lora_mixer_app.web.stream import Preview, stream

KIND = "desk"
IDLE = "idle"
"""The kind of what is rendered while nobody waits: a desk's own render ends it."""
_QUALITY = 80
Answer = dict[str, Any]


def newest_answer(state: AppState, request: gr.Request, data: dict[str, Any]) -> Answer | None:
    """Return what a tab was told last of its renders: it may not have heard it."""
    del data
    return state.session(request).told


def answers(state: AppState, request: gr.Request, sent: dict[str, Any]) -> Iterator[Answer]:
    """Render what a browser sent, and yield the answers; an older render of the tab is cancelled.

    Args:
        state: What all pages share.
        request: Whose tab it is.
        sent: `number` of the document, the `document`; `noise`, the history's number of a picture whose noise is kept
            where the seed is left to chance; `offset` of the seed.
    """
    session = state.session(request)
    with closing(_answers(state, request, sent, session)) as told:
        for answer in told:
            session.tell(answer)
            yield answer


def _answers(
    state: AppState, request: gr.Request, sent: dict[str, Any], session: PageSession
) -> Generator[Answer, None, None]:
    number = _whole(sent.get("number")) or 0
    session.cancel(IDLE)
    cancel = state.begin(request, KIND)
    yield {"number": number, "kind": "began", "ahead": state.ahead(request)}
    try:
        asked = asked_request(state, request, sent.get("document"))
        asked = on_same_noise(state, owner_of(request), asked, _whole(sent.get("noise")))
        asked = moved_on(asked, _whole(sent.get("offset")) or 0)
        for answer in rendered(state, request, asked, cancel):
            if answer["kind"] == "done" or not cancel.pressed:
                yield answer | {"number": number}
    except CancelledError:
        if session.is_newest(KIND, cancel):
            yield {"number": number, "kind": "cancelled"}
    except LoraMixerError as error:
        yield {"number": number, "kind": "error", "says": error_in_words(error, request)}
    except Exception as error:  # noqa: BLE001 it is told, and logged
        yield {"number": number, "kind": "error", "says": unexpected(error, request)}


def rendered(state: AppState, request: gr.Request, asked: RenderRequest, cancel: Any) -> Iterator[Answer]:  # noqa: ANN401
    """Render when it is the caller's turn; yield every step, and the picture, which is kept in the history."""
    with state.turn(request, cancel, model=asked.model) as give_way:
        started = time.monotonic()
        for event in stream(state.mixer, asked, cancel=cancel, give_way=give_way):
            if isinstance(event, RenderedImage):
                kept = state.keep(event, owner=owner_of(request))
                yield {
                    "kind": "done",
                    "picture": picture_form(state, request, kept),
                    "seconds": event.record.seconds,
                    "notes": [line_in_words(note, request) for note in event.record.notes],
                }
            else:
                yield _step(event, started)


def _step(preview: Preview, started: float) -> Answer:
    left = (time.monotonic() - started) / preview.step * (preview.steps - preview.step)
    image = None if preview.image is None else data_url(preview.image)
    return {"kind": "step", "step": preview.step, "steps": preview.steps, "left": left, "preview": image}


def data_url(image: Image.Image) -> str:
    """Return a picture as an address that holds it."""
    out = io.BytesIO()
    image.convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
