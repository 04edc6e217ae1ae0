"""How much memory is free, and releasing a closed model's memory."""

from __future__ import annotations

import gc
from pathlib import Path

import torch

from lora_mixer.kernels.heap import give_back

NO_ROOM = ("out of memory", "can't allocate memory", "not enough memory")
"""torch's messages on CUDA and MPS, Linux, and Windows."""
MEMINFO = Path("/proc/meminfo")


def available_bytes() -> int | None:
    """Return the bytes available without swapping, as Linux estimates them; None elsewhere."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("MemAvailable:")), None)
    return None if found is None else int(found.split()[1]) * 1024


def ran_out(error: BaseException) -> bool:
    """Tell whether an error says that there is no more memory, on whatever device."""
    said = str(error).lower()
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(words in said for words in NO_ROOM)


def release_memory() -> None:
    """Collect reference cycles (hooks and what they call), and empty the heap and the devices' caches."""
    gc.collect()
    give_back()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
