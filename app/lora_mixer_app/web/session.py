"""A browser tab's session: its strips, its gallery and its renders."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lora_mixer_app.serving.session import Session

if TYPE_CHECKING:
    from lora_mixer_app.web.desk.sync import Strips


class PageSession(Session):
    """The state of one browser tab.

    Attributes:
        shown: The history's numbers of the pictures in this tab's gallery, in its order.
        selected: The number of the picture that is shown large.
        compared: The picture that is kept to compare with.
        listed: The names of the LoRAs in this tab's browser, in its order.
        told: The notes of the last picture, which need not be said again with the next.
    """

    def __init__(self) -> None:
        super().__init__()
        self._strips: Strips = ()
        self._draws = 0
        self._changing = threading.Lock()
        self.shown: tuple[int, ...] = ()
        self.selected: int | None = None
        self.compared: Path | None = None
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
        with self._changing:
            before = self._strips
            self._strips = how(before)
            return before, self._strips

    def next_draw(self) -> int:
        """Return a number that is new: a reason to draw the strips again."""
        with self._changing:
            self._draws += 1
            return self._draws
