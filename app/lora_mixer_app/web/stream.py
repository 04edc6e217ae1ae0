"""A render in a worker thread, heard as a stream of events: steps with previews, then the picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PIL import Image

from lora_mixer import Cancel, Mixer, Progress, RenderedImage, RenderRequest
from lora_mixer.mixer import Background
from lora_mixer_app.serving.queue import GiveWay


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


def stream(
    mixer: Mixer, request: RenderRequest, *, cancel: Cancel, give_way: GiveWay | None = None
) -> Iterator[Preview | RenderedImage]:
    """Render in a thread of its own; yield the newest step whenever there is one, and the picture at the end.

    The first step has a preview; then previews take at most a third of the time. One that was made when nobody looked comes
    with the newest step.

    Args:
        mixer: What renders.
        request: The picture.
        cancel: Stops it within one step.
        give_way: Lets others go first between two steps, where they should.

    Closing the iterator (a cancelled Gradio job, a closed tab) cancels the render within one step.

    Raises:
        Exception: Whatever the render raised: a `LoraMixerError`, or what nobody expected.
    """
    previews = _Previews()

    def start(tell: Callable[[Preview], None], cancel: Cancel) -> Iterator[RenderedImage]:
        def told(progress: Progress) -> None:
            tell(previews.of(progress))
            if give_way is not None:
                give_way(progress)

        yield mixer.render(request, on_progress=told, cancel=cancel)

    with Background[RenderedImage, Preview](start, cancel=cancel, name="render") as render:
        for event in render.follow():
            if isinstance(event, Preview):
                previews.take(event)
            yield event


class _Previews:
    """Decodes pictures on their way, as often as that takes a third of the time at most."""

    def __init__(self) -> None:
        self._due = 0.0
        self._untaken: Image.Image | None = None

    def of(self, progress: Progress) -> Preview:
        """Return a step with a preview, if there is time for one, or with the last one that nobody has taken."""
        began = time.monotonic()
        if began >= self._due:
            self._untaken = progress.preview()
            ended = time.monotonic()
            self._due = ended + 2 * (ended - began)
        return Preview(image=self._untaken, step=progress.step, steps=progress.steps)

    def take(self, preview: Preview) -> None:
        """Hear that a reader has one: its picture comes no more."""
        if preview.image is self._untaken:
            self._untaken = None
