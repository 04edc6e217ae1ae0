"""Open models, up to a limit; the least recently used is closed first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from lora_mixer.errors import RequestError
from lora_mixer.kernels import release_memory
from lora_mixer.mixer.session import ModelSession
from lora_mixer.request import ModelSource


class ModelCache:
    """Opens models on demand.

    A model is closed before the next one is opened, so memory never holds more than the limit.

    Args:
        open_session: Opens a model.
        limit: How many may be open at once.

    Raises:
        RequestError: The limit is less than 1.
    """

    def __init__(self, open_session: Callable[[ModelSource], ModelSession], *, limit: int) -> None:
        if limit < 1:
            raise RequestError(f"{limit} models in memory is out of range", remedy="Use 1 or more.")
        self._open_session = open_session
        self._limit = limit
        self.sessions: OrderedDict[ModelSource, ModelSession] = OrderedDict()
        self._closed = False

    def take(self, source: ModelSource) -> ModelSession:
        """Return an open model, opening it if needed or if its files have changed.

        Raises:
            ModelError, FileError, RequestError: It cannot be opened.
        """
        if self._closed:
            raise RequestError("the mixer is closed", remedy="Open another one with Mixer.open().")
        if source in self.sessions and not self.sessions[source].loaded.model.holds:
            self._close(source)
        if source not in self.sessions:
            self._make_room()
            self.sessions[source] = self._open_session(source)
        self.sessions.move_to_end(source)
        return self.sessions[source]

    def forget(self, source: ModelSource, path: Path) -> None:
        """Forget what was read from a file that is being written: a model, or a LoRA of one."""
        if source in self.sessions:
            session = self.sessions[source]
            session.adapters.forget(path)
            if any(seal.path == path for seal in session.loaded.model.seals):
                del session
                self._close(source)

    def close(self) -> None:
        """Close every model for good and release the memory."""
        self._closed = True
        self.sessions.clear()
        release_memory()

    def _close(self, source: ModelSource) -> None:
        del self.sessions[source]
        release_memory()

    def _make_room(self) -> None:
        before = len(self.sessions)
        while len(self.sessions) >= self._limit:
            self.sessions.popitem(last=False)
        if len(self.sessions) < before:
            release_memory()
