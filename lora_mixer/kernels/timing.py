"""Time a task at its best."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

REPETITIONS = 7


def shortest(task: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the shortest of several runs in the clock's seconds, waiting for the device."""
    spent = []
    for _ in range(REPETITIONS):
        begun = clock()
        task()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        spent.append(clock() - begun)
    return min(spent)
