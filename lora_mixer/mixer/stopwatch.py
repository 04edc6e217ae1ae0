"""How long a render took, without what others did meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """A clock that stands still within `stopped`; called, it returns its seconds."""

    def __init__(self) -> None:
        self._still = 0.0

    def __call__(self) -> float:
        """Return seconds since some moment."""
        return time.perf_counter() - self._still

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stand still within a `with` block."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._still += time.perf_counter() - began
