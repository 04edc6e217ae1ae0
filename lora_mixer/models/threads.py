"""How many CPU threads compute a model's pictures.

As many as help, told from the model's size alone, so that the same command uses the same number on an idle and on a busy
machine: the last bits of a sum depend on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

SMALL = 50_000_000
"""A denoiser of fewer parameters is computed on one thread. Measured on two cores: the embedded model's (7 million) takes
18.3 s for the demo on one and 19.0 on two, SD 1.5's (860 million) takes 1.95 times as long on one."""
VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Where one of these is set, somebody has chosen."""


def helpful_threads(denoiser: nn.Module) -> int:
    """Return how many threads help a denoiser on the CPU: one if it is small, else as many as torch uses."""
    chosen = any(os.environ.get(name) for name in VARIABLES)
    small = sum(parameter.numel() for parameter in denoiser.parameters()) < SMALL
    return 1 if small and not chosen else torch.get_num_threads()


@contextmanager
def using_threads(number: int | None) -> Iterator[None]:
    """Compute with so many threads for the duration of a `with` block; None leaves their number as it is."""
    before = torch.get_num_threads()
    if number is not None and number != before:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
