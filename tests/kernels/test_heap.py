"""While pictures are rendered freed memory stays at hand; afterwards the system has it."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from lora_mixer.kernels import release_memory, retain_heap

resource = pytest.importorskip("resource", reason="Windows has no module `resource`")
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


def in_a_fresh_heap(law: Callable[[], None]) -> None:
    process = get_context("spawn").Process(target=law)  # other tests leave holes where blocks find room
    process.start()
    process.join()
    assert process.exitcode == 0


def freed_blocks_are_used_again() -> None:
    assert faults(5) > 2 * FRESH
    with retain_heap():
        faults(WARM)
        assert faults(5) < FRESH / 2
    assert faults(1) > FRESH / 2  # the system has the place, and hands it out anew


def elsewhere() -> None:
    with retain_heap():
        pass


def the_last_of_two_gives_back_after_an_error_too() -> None:
    with suppress(KeyError), retain_heap():
        other = threading.Thread(target=elsewhere)
        other.start()
        other.join()
        faults(WARM)
        assert faults(5) < FRESH / 2
        {}["an error"]
    assert faults(1) > FRESH / 2


def what_is_free_is_given_back_at_the_end() -> None:
    before = resident()
    with retain_heap():
        held = [torch.empty(BLOCK, dtype=torch.uint8).fill_(1) for _ in range(3)]
        above = torch.empty(2**20, dtype=torch.uint8)
        del held
        assert resident() - before > 2 * BLOCK
    assert resident() - before < BLOCK
    assert len(above) == 2**20


def what_was_made_during_a_render_is_given_back_with_its_model() -> None:
    with retain_heap():
        packs = [torch.empty(BLOCK, dtype=torch.uint8).fill_(1) for _ in range(3)]
        above = torch.empty(2**20, dtype=torch.uint8)
    held = resident()
    del packs
    release_memory()
    assert held - resident() > 2 * BLOCK
    assert len(above) == 2**20


@pytest.mark.parametrize(
    "law",
    [
        freed_blocks_are_used_again,
        the_last_of_two_gives_back_after_an_error_too,
        what_is_free_is_given_back_at_the_end,
        what_was_made_during_a_render_is_given_back_with_its_model,
    ],
)
def test_while_pictures_are_rendered_and_afterwards(law: Callable[[], None]) -> None:
    in_a_fresh_heap(law)
