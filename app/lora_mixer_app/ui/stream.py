"""A render in a worker thread, heard as a stream of events: steps with previews, then the picture."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from lora_mixer import Cancel, LoraMixerError, Mixer, Progress, RenderedImage, RenderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The picture as it stands after a step."""

    image: Image.Image
    step: int
    steps: int


def stream(mixer: Mixer, request: RenderRequest, *, cancel: Cancel) -> Iterator[Preview | RenderedImage]:
    """Render in a thread of its own; yield a preview after every step and the picture at the end.

    Closing the iterator (a cancelled Gradio job, a closed tab) cancels the render within one step.

    Raises:
        LoraMixerError: What the render raised.
    """
    events: queue.SimpleQueue[Preview | RenderedImage | LoraMixerError | None] = queue.SimpleQueue()

    def heard(progress: Progress) -> None:
        events.put(Preview(image=progress.preview(), step=progress.step, steps=progress.steps))

    def work() -> None:
        try:
            events.put(mixer.render(request, on_progress=heard, cancel=cancel))
        except LoraMixerError as error:
            events.put(error)
        finally:
            events.put(None)

    worker = threading.Thread(target=work, name="render", daemon=True)
    worker.start()
    try:
        while (event := events.get()) is not None:
            if isinstance(event, LoraMixerError):
                raise event
            yield event
    finally:
        cancel.press()
        worker.join()
