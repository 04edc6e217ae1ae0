"""The number of CPU threads is the process's own again after every call, however calls overlap and end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
import torch
from torch import nn

from lora_mixer.models import helpful_threads, using_threads
from lora_mixer.models.threads import SMALL, VARIABLES


def in_a_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)


def threads_of_a_new_thread() -> int:
    seen: list[int] = []
    in_a_thread(lambda: seen.append(torch.get_num_threads()))
    return seen[0]


def large_denoiser() -> nn.Module:
    with torch.device("meta"):
        return nn.Linear(SMALL, 1, bias=False)


def test_blocks_within_blocks_are_undone_one_by_one() -> None:
    before = torch.get_num_threads()
    with using_threads(before + 1):
        with suppress(KeyError), using_threads(before + 2):
            raise KeyError
        assert torch.get_num_threads() == before + 1
        with using_threads(None):
            assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("first_leaves_first", [True, False])
def test_calls_that_overlap_in_two_threads_leave_no_number_behind(first_leaves_first: bool) -> None:
    before = torch.get_num_threads()
    entered, other_entered, leave = (threading.Event() for _ in range(3))
    seen: list[int] = []

    def other() -> None:
        entered.wait(30)
        with using_threads(before + 3):
            seen.append(torch.get_num_threads())
            other_entered.set()
            leave.wait(30)
            seen.append(torch.get_num_threads())

    thread = threading.Thread(target=other)
    thread.start()
    with using_threads(before + 2):
        entered.set()
        other_entered.wait(30)
        if not first_leaves_first:
            leave.set()
            thread.join(30)
        assert torch.get_num_threads() == before + 2
    leave.set()
    thread.join(30)
    assert seen == [before + 3] * 2, "each computes with its own number to its end"
    assert torch.get_num_threads() == before
    assert threads_of_a_new_thread() == before


def test_a_model_that_opens_while_another_renders_takes_the_process_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    before, seen = torch.get_num_threads(), list[int]()
    with using_threads(before + 2):
        in_a_thread(lambda: seen.append(helpful_threads(large_denoiser())))
    assert seen == [before]
