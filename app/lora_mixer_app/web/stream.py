"""A render in a worker thread, heard as a stream of events: steps with previews, then the picture."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from lora_mixer import Cancel, Mixer, Progress, RenderedImage, RenderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A step is done.

    Attributes:
        image: The picture as it stands; None where decoding it again would cost too much.
        step: Steps finished, from 1.
        steps: Steps of the render.
    """

    image: Image.Image | None
    step: int
    steps: int


def stream(mixer: Mixer, request: RenderRequest, *, cancel: Cancel) -> Iterator[Preview | RenderedImage]:
    """Render in a thread of its own; yield every step and the picture at the end.

    The first step has a preview; then previews take at most a third of the time.

    Closing the iterator (a cancelled Gradio job, a closed tab) cancels the render within one step.

    Raises:
        Exception: Whatever the render raised: a `LoraMixerError`, or what nobody expected.
    """
    events: queue.SimpleQueue[Preview | RenderedImage | BaseException | None] = queue.SimpleQueue()

    due = 0.0

    def heard(progress: Progress) -> None:
        nonlocal due
        image, began = None, time.monotonic()
        if began >= due:
            image = progress.preview()
            ended = time.monotonic()
            due = ended + 2 * (ended - began)
        events.put(Preview(image=image, step=progress.step, steps=progress.steps))

    def work() -> None:
        try:
            events.put(mixer.render(request, on_progress=heard, cancel=cancel))
        except BaseException as error:  # noqa: BLE001 raised again where it is heard
            events.put(error)
        finally:
            events.put(None)

    worker = threading.Thread(target=work, name="render", daemon=True)
    worker.start()
    try:
        while (event := events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event
    finally:
        cancel.press()
        worker.join()
