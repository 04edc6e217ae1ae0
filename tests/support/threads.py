"""Works at the same time, with their threads taking turns as often as can be."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def together(works: Iterable[Callable[[], object]]) -> Iterator[None]:
    """Begin works, each in a thread of its own, and wait for their ends after what is done meanwhile."""
    threads = [threading.Thread(target=work) for work in works]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
