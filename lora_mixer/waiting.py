"""Process setup: threads sleep while waiting for torch.

OpenMP's threads spin for a while when they wait, which is wasted where other programs want the processor: `make demo` beside
four busy processes on two cores took 173 s and 110 processor seconds spinning, 49 s and 21 asleep; on an idle machine 19.0
and 19.3 s. The OpenMP libraries read these variables once, when torch loads them.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
"""OpenMP 5.2, section 21.7 (GNU's and LLVM's library), and Intel's and LLVM's own word, in milliseconds."""
OWN = (*PASSIVE, "GOMP_SPINCOUNT")
"""Where one of these is set, somebody has chosen."""


def wait_passively(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Let threads sleep while they wait, unless somebody chose otherwise; return whether it comes before torch.

    The commands and their workers do so. A program of your own calls it before it imports torch, or sets
    `OMP_WAIT_POLICY=PASSIVE`.
    """
    if not any(name in environment for name in OWN):
        environment.update(PASSIVE)
    return "torch" not in sys.modules


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python from searching for circles of references within a block that makes very many objects and no circles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
