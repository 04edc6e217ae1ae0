"""What the page must know of an open model at once, without waiting for a render that has it."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

from lora_mixer import Mixer, RenderRequest
from lora_mixer.conditioning import TokenCount
from lora_mixer.families import Family
from lora_mixer.pipeline import TextCache


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A model that was opened.

    Attributes:
        name: Its name.
        family: Its base family.
        native_size: The (width, height) it was trained at.
    """

    name: str
    family: Family
    native_size: tuple[int, int]
    _texts: weakref.ref[TextCache]

    def count(self, text: str, *, steps: int) -> TokenCount | None:
        """Return how long a prompt is; None if the model has been closed since.

        Raises:
            PromptError: The prompt cannot be read.
        """
        texts = self._texts()
        return None if texts is None else texts.count(text, steps=steps)


def opened(mixer: Mixer, model: str) -> Opened:
    """Open a model, and return what is known of it; which model is the mixer's current one does not change.

    Raises:
        ModelError, FileError, RequestError: See `Mixer.loaded_for`.
    """
    desk = mixer.loaded_for(RenderRequest(prompt="", model=model))
    return Opened(
        name=model,
        family=desk.model.family,
        native_size=desk.model.native_size,
        _texts=weakref.ref(desk.texts),
    )
