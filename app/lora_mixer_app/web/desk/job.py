"""A render as the page sees it: a preview after every step, then the picture, or why there is none."""

from __future__ import annotations

import time
from collections.abc import Iterator

import gradio as gr

from lora_mixer import RenderedImage, RenderRequest
from lora_mixer.errors import CancelledError
from lora_mixer_app.web.desk.result_panel import ResultPanel, Shown
from lora_mixer_app.web.i18n import said
from lora_mixer_app.web.notices import as_notice
from lora_mixer_app.web.state import AppState, caller_of, owner_of
from lora_mixer_app.web.stream import Preview, stream

KIND = "desk"
_BAR = 20  # signs


def play(
    state: AppState, panel: ResultPanel, request: gr.Request, wish: RenderRequest, search: str | None
) -> Iterator[Shown]:
    """Render what a desk asks for, and yield what the screen shows; an older render of the tab is cancelled."""
    session = state.session(request)
    cancel = state.begin(request, KIND)
    started = time.monotonic()
    if ahead := state.queue.ahead(caller_of(request)):
        yield {panel.status: said(request, "waiting", ahead=ahead)}
    with as_notice():
        try:
            with state.queue.take(cancel, caller=caller_of(request)):
                for event in stream(state.mixer, wish, cancel=cancel):
                    if isinstance(event, RenderedImage):
                        yield _finished(panel, request, event, search)
                    elif not cancel.pressed:
                        picture = gr.skip() if event.image is None else event.image
                        yield {panel.picture: picture, panel.status: _step(request, event, started)}
        except CancelledError:
            if session.is_newest(KIND, cancel):
                yield {panel.status: said(request, "cancelled")}


def _finished(panel: ResultPanel, request: gr.Request, picture: RenderedImage, search: str | None) -> Shown:
    kept = panel.state.keep(picture, owner=owner_of(request))
    session = panel.state.session(request)
    for note in set(picture.record.notes).difference(session.told):
        gr.Warning(note)
    session.told = picture.record.notes
    record = picture.record
    status = said(request, "done", seed=record.settings.seed, seconds=f"{record.seconds:.1f}")
    return panel.show(request, kept) | panel.list(request, search) | {panel.status: status}


def _step(request: gr.Request, preview: Preview, started: float) -> str:
    left = (time.monotonic() - started) / preview.step * (preview.steps - preview.step)
    full = _BAR * preview.step // preview.steps
    bar = "█" * full + "░" * (_BAR - full)
    return f"{bar} {said(request, 'step', step=preview.step, steps=preview.steps, left=f'{left:.0f}')}"
