"""A render as the page sees it: a preview after every step, then the picture, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator

import gradio as gr
from PIL import Image

from lora_mixer import Cancel, RenderedImage, RenderRequest
from lora_mixer.errors import CancelledError
from lora_mixer_app.ui.notices import as_notice
from lora_mixer_app.ui.stream import Preview, stream
from lora_mixer_app.ui.studio import Studio

Shown = tuple[Image.Image | str | dict[str, object], str]


def show(studio: Studio, request: RenderRequest, cancel: Cancel) -> Iterator[Shown]:
    """Yield what the picture and the status line show."""
    with as_notice():
        try:
            with studio.turns.take(cancel):
                for event in stream(studio.mixer, request, cancel=cancel):
                    yield _finished(studio, event) if isinstance(event, RenderedImage) else _step(event)
        except CancelledError:
            yield gr.skip(), "Cancelled"


def _step(preview: Preview) -> Shown:
    return preview.image, f"Step {preview.step} of {preview.steps}"


def _finished(studio: Studio, picture: RenderedImage) -> Shown:
    path = studio.keep(picture)
    for note in picture.record.notes:
        gr.Warning(note)
    return str(path), f"Seed {picture.record.settings.seed}, {picture.record.seconds:.2f} s"
