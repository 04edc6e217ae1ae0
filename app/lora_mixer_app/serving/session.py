"""A caller's session: the work that runs for them, and how it ends when they leave."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from lora_mixer.cancel import Cancel

if TYPE_CHECKING:
    from lora_mixer_app.serving.presence import PresenceWatch


class Listened(Cancel):
    """A cancel switch that presses itself when nobody listens any more.

    Args:
        watch: Tells whether whoever asked is there.
        closed: Set when nobody is served any more.
    """

    def __init__(self, watch: PresenceWatch | None, closed: threading.Event) -> None:
        super().__init__()
        self._watch = watch
        self._closed = closed

    @property
    def pressed(self) -> bool:
        """Whether it was pressed, or nobody listens."""
        if not super().pressed and (self._closed.is_set() or (self._watch is not None and self._watch.gone)):
            self.press()
        return super().pressed

    @property
    def absent(self) -> bool:
        """Whether nobody listens at this moment, so that others may go first."""
        return self._watch is not None and self._watch.absent


class Session:
    """The work of one caller, newest first, and the model they chose; threads may ask at any moment.

    Attributes:
        model: The name of the model this caller renders with; None means the server's first.
    """

    def __init__(self) -> None:
        self.model: str | None = None
        self._opened: str | None = None
        self._running: dict[str, Cancel] = {}
        self._closed = False
        self._lock = threading.Lock()

    def begin(self, kind: str, cancel: Cancel) -> None:
        """Take the switch of new work; older work of that kind (`desk`, `sheet`, ...) is cancelled, and so is this after `close`."""
        with self._lock:
            ended = cancel if self._closed else self._running.get(kind)
            if not self._closed:
                self._running[kind] = cancel
        if ended is not None:
            ended.press()

    def cancel(self, kind: str) -> None:
        """Stop what runs of that kind, within one step."""
        with self._lock:
            running = self._running.pop(kind, None)
        if running is not None:
            running.press()

    def is_newest(self, kind: str, cancel: Cancel) -> bool:
        """Return whether no newer work of that kind has begun since."""
        with self._lock:
            return self._running.get(kind, cancel) is cancel

    def choose(self, model: str) -> None:
        """Render with a model that is to be opened."""
        with self._lock:
            self.model = model

    def was_opened(self, model: str) -> None:
        """Hear that a model which was chosen is open: it is the one to go back to, unless the one chosen since is open too."""
        with self._lock:
            if self.model == model or self._opened != self.model:
                self._opened = model

    def was_refused(self, model: str) -> None:
        """Hear that a model which was chosen cannot be opened: the one before is back, unless another one was chosen since."""
        with self._lock:
            if self.model == model:
                self.model = self._opened

    def close(self) -> None:
        """Stop everything for good: the caller left."""
        with self._lock:
            self._closed, running = True, list(self._running.values())
            self._running.clear()
        for one in running:
            one.press()
