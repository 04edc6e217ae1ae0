"""Keep freed memory in the process while rendering.

glibc gives every large block back to the system as soon as it is free, and the system fills the next one with zeros,
page by page: about a fourteenth of a UNet step at 512 x 512 on a CPU. In `retain_heap` blocks come from the heap and
stay there when freed (mallopt(3)); at its end the free ones are returned (malloc_trim(3)). With another C library nothing
happens.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -3, -4, -8
"""glibc's parameter numbers, from its malloc.h."""

KEEPING: Mapping[int, int] = MappingProxyType({M_MMAP_MAX: 0, M_TRIM_THRESHOLD: -1, M_ARENA_MAX: 1})
"""No mapped blocks, nothing returned, and one heap for all threads: per-thread arenas hold no block above 64 MiB."""

GIVING: Mapping[int, int] = MappingProxyType(
    {M_MMAP_MAX: 65_536, M_MMAP_THRESHOLD: 32 * 2**20, M_TRIM_THRESHOLD: 64 * 2**20}
)
"""glibc's own values, where they move the highest ones: a process that renders pictures gets there by itself."""

_lock = threading.Lock()
_inside: list[object] = []


@contextmanager
def retain_heap() -> Iterator[None]:
    """Keep freed memory within a `with` block; of several blocks in any threads, the last returns it."""
    token = object()
    with _lock:
        _inside.append(token)
        _set(KEEPING)
    try:
        yield
    finally:
        with _lock:
            _inside.remove(token)
            if not _inside:
                _set(GIVING)
                give_back()


def _set(values: Mapping[int, int]) -> None:
    mallopt = getattr(_C, "mallopt", None)
    if mallopt is not None:
        for parameter, value in values.items():
            mallopt(parameter, value)


def give_back() -> None:
    """Return free heap memory to the system, such as the weights of a closed model."""
    trim = getattr(_C, "malloc_trim", None)
    if trim is not None:
        trim(0)


def _library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # Windows has no such name
        return None


_C = _library()
