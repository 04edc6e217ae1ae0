"""A browser tab's session: its strips and its renders."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lora_mixer import Cancel

if TYPE_CHECKING:
    from lora_mixer_app.serving.presence import PresenceWatch
    from lora_mixer_app.web.desk.sync import Strips


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
    """The state of one browser tab.

    Attributes:
        shown: The history's numbers of the pictures in this tab's gallery, in its order.
        selected: The number of the picture that is shown large.
        compared: The picture that is kept to compare with.
        model: The name of the model this tab renders with; None means the server's first.
        opened: The name of the last one it chose that could be opened.
        listed: The names of the LoRAs in this tab's browser, in its order.
        told: The notes of the last picture, which need not be said again with the next.
    """

    def __init__(self) -> None:
        self._running: dict[str, Cancel] = {}
        self._strips: Strips = ()
        self._draws = 0
        self._lock = threading.Lock()
        self.shown: tuple[int, ...] = ()
        self.selected: int | None = None
        self.compared: Path | None = None
        self.model: str | None = None
        self.opened: str | None = None
        self.listed: tuple[str, ...] = ()
        self.told: tuple[str, ...] = ()

    @property
    def strips(self) -> Strips:
        """The strips of this tab's desk."""
        return self._strips

    def change(self, how: Callable[[Strips], Strips]) -> tuple[Strips, Strips]:
        """Change the strips, one change after the other; return them before and after.

        What `how` raises leaves them as they are.
        """
        with self._lock:
            before = self._strips
            self._strips = how(before)
            return before, self._strips

    def next_draw(self) -> int:
        """Return a number that is new: a reason to draw the strips again."""
        with self._lock:
            self._draws += 1
            return self._draws

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
        """Stop everything: the tab was closed."""
        for kind in list(self._running):
            self.cancel(kind)
