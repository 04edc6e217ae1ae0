"""The number of CPU threads for a model.

As many as help, told from the model's size alone, so that the same command uses the same number on an idle and on a busy
machine: the last bits of a sum depend on it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

SMALL = 50_000_000
"""Denoisers with fewer parameters run on one thread. Measured on two cores: the embedded model's (7 million) takes
18.3 s for the demo on one and 19.0 on two, SD 1.5's (860 million) takes 1.95 times as long on one."""
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""If one of these is set, the user has chosen."""


_lock = threading.Lock()
_here = threading.local()
_blocks: list[int] = []
"""The process's own number of threads, once for every thread of Python that is inside `using_threads`."""


def helpful_threads(denoiser: nn.Module) -> int:
    """Return how many threads help a denoiser on the CPU: one if it is small, else as many as torch uses."""
    chosen = any(os.environ.get(name) for name in VARIABLES)
    small = sum(parameter.numel() for parameter in denoiser.parameters()) < SMALL
    return 1 if small and not chosen else _usual()


@contextmanager
def using_threads(number: int | None) -> Iterator[None]:
    """Compute with `number` threads within a `with` block; None takes the usual number.

    torch keeps one number for each thread of Python, but a thread that is new takes the number that any of them set
    last. So where blocks overlap, the last to leave would else leave another's number behind.
    """
    outermost = not getattr(_here, "inside", False)
    with _lock:
        before = _usual()
        if outermost:
            _blocks.append(before)
    _here.inside = True
    try:
        _set(before if number is None else number)
        yield
    finally:
        with _lock:
            if outermost:
                _here.inside = False
                _blocks.pop()
            _set(before)


def _usual() -> int:
    """Return this thread's number, or, in a thread that may have caught another block's, the process's own."""
    return _blocks[0] if _blocks and not getattr(_here, "inside", False) else torch.get_num_threads()


def _set(number: int) -> None:
    if torch.get_num_threads() != number:
        torch.set_num_threads(number)
