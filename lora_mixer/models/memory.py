"""Memory given back to the machine when a model is closed."""

from __future__ import annotations

import gc

import torch


def release_memory() -> None:
    """Collect what only reference cycles hold (hooks and what they call), and empty the devices' caches."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
