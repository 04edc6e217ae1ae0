"""Whose turn it is: one call at a time, in the process that opened the mixer."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lora_mixer.errors import RequestError

_computing: set[int] = set()
"""The process that has opened a model, by its number; a fork has it as well, and another number."""


def begin_computing() -> None:
    """Note that this process computes with torch from now on.

    Raises:
        RequestError: It is a fork of one that did: torch's threads are not there in it, and waiting for them never ends.
    """
    if _computing - {os.getpid()}:
        raise RequestError(
            "this process is a fork of one that has a mixer open, and torch's threads do not come along",
            remedy='Start it with multiprocessing.get_context("spawn"), or open the first mixer after the fork.',
        )
    _computing.add(os.getpid())


class Turn:
    """A lock that its owner may take again; in a fork it is refused instead of waited for."""

    def __init__(self) -> None:
        begin_computing()
        self._lock = threading.RLock()
        self._levels = 0  # how often its owner has taken it

    def __enter__(self) -> None:
        """Wait for the turn.

        Raises:
            RequestError: This is a fork of the process it was made in.
        """
        begin_computing()
        self._lock.acquire()
        self._levels += 1

    def __exit__(self, *_: object) -> None:
        """Give the turn to the next."""
        self._levels -= 1
        self._lock.release()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have the turn within a `with` block of its owner; then wait until it is free again."""
        levels, self._levels = self._levels, 0
        for _ in range(levels):
            self._lock.release()
        try:
            yield
        finally:
            for _ in range(levels):
                self._lock.acquire()
            self._levels = levels
