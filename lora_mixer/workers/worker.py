"""A worker in another process: messages in, messages out."""

from __future__ import annotations

from lora_mixer.workers.executor import MixerOptions, ResolveQuery, Task, pack, unpack
from lora_mixer.workers.renderer import Renderer, open_mixer


class Worker:
    """A renderer behind packed messages; the model is opened once.

    Args:
        setup: The packed options.
        rank: The worker's number.

    Raises:
        LoraMixerError: The model cannot be opened.
    """

    def __init__(self, setup: bytes, rank: int) -> None:
        self._renderer = Renderer(open_mixer(unpack(MixerOptions, setup), rank=rank))

    def answer(self, query: bytes) -> bytes:
        """Answer a packed query."""
        return pack(self._renderer.answer(unpack(ResolveQuery, query)))

    def render(self, task: bytes) -> bytes:
        """Render a packed task; return its packed result."""
        return pack(self._renderer.render(unpack(Task, task), _no_watch))


def _no_watch(_hand: float) -> None:
    """Ignore single steps; a worker does not report them."""
