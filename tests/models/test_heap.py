"""While pictures are rendered freed memory stays at hand; afterwards the system has it."""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path

import pytest
import torch

from lora_mixer.models import memory_at_hand

resource = pytest.importorskip("resource")
BLOCK = 100 * 2**20
PAGE = 4096
FRESH = BLOCK // PAGE
"""Faults of a block that the system has just handed out, where its pages are small."""

WARM = 10
"""Blocks until the heap has settled on one place."""


def keeps() -> bool:
    try:
        return hasattr(ctypes.CDLL(None), "mallopt") and Path("/proc/self/statm").exists()
    except (OSError, TypeError):
        return False


pytestmark = pytest.mark.skipif(not keeps(), reason="this C library has no such switches")


def faults(blocks: int) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(blocks):
        torch.empty(BLOCK, dtype=torch.uint8).fill_(1)
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE


def test_a_block_that_was_freed_is_the_next_block() -> None:
    assert faults(5) > 2 * FRESH
    with memory_at_hand():
        faults(WARM)
        assert faults(5) < FRESH / 2
    assert faults(5) > 2 * FRESH


def test_at_its_end_what_is_free_is_given_back() -> None:
    before = resident()
    with memory_at_hand():
        held = [torch.empty(BLOCK, dtype=torch.uint8).fill_(1) for _ in range(3)]
        above = torch.empty(2**20, dtype=torch.uint8)
        del held
        assert resident() - before > 2 * BLOCK
    assert resident() - before < BLOCK
    assert len(above) == 2**20


def test_of_two_at_once_the_last_gives_back_and_an_error_is_an_end() -> None:
    def elsewhere() -> None:
        with memory_at_hand():
            pass

    def failing() -> None:
        with memory_at_hand():
            other = threading.Thread(target=elsewhere)
            other.start()
            other.join()
            faults(WARM)
            assert faults(5) < FRESH / 2
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert faults(5) > 2 * FRESH
