"""One render at a time on the model, in the order people asked."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from lora_mixer import Cancel

_LOOK = 0.05  # seconds between two looks at whether somebody who waits has cancelled

_Item = TypeVar("_Item")


class Turns:
    """A line people wait in: first come, first served, and whoever cancels leaves it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._line: deque[Cancel] = deque()

    @property
    def ahead(self) -> int:
        """How many have, or wait for, the model; who has cancelled no longer counts."""
        with self._changed:
            return sum(not cancel.pressed for cancel in self._line)

    @contextmanager
    def take(self, cancel: Cancel) -> Iterator[None]:
        """Wait for the model; within, it is nobody else's.

        Raises:
            CancelledError: It was cancelled while it waited.
        """
        with self._changed:
            self._line.append(cancel)
        try:
            with self._changed:
                while self._line[0] is not cancel:
                    cancel.check()
                    self._changed.wait(_LOOK)
            yield
        finally:
            with self._changed:
                self._line.remove(cancel)
                self._changed.notify_all()

    def each(self, items: Iterable[_Item], cancel: Cancel) -> Iterator[_Item]:
        """Yield from long work such as `render_many`, waiting for a turn before each item.

        A sheet of a hundred pictures thus lets everybody's sliders in between.

        Raises:
            CancelledError: As `take`.
        """
        iterator = iter(items)
        while True:
            with self.take(cancel):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item
