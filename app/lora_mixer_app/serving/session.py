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
    """The work of one caller, newest first.

    Attributes:
        model: The name of the model this caller renders with; None means the server's first.
        opened: The name of the last one they chose that could be opened.
    """

    def __init__(self) -> None:
        self._running: dict[str, Cancel] = {}
        self._lock = threading.Lock()
        self.model: str | None = None
        self.opened: str | None = None

    def begin(self, kind: str, cancel: Cancel) -> None:
        """Take the switch of new work; older work of that kind (`desk`, `sheet`, ...) is cancelled."""
        with self._lock:
            older, self._running[kind] = self._running.get(kind), cancel
        if older is not None:
            older.press()

    def cancel(self, kind: str) -> None:
        """Stop what runs of that kind, within one step."""
        if (running := self._running.pop(kind, None)) is not None:
            running.press()

    def is_newest(self, kind: str, cancel: Cancel) -> bool:
        """Return whether no newer work of that kind has begun since."""
        return self._running.get(kind, cancel) is cancel

    def close(self) -> None:
        """Stop everything: the caller left."""
        for kind in list(self._running):
            self.cancel(kind)
