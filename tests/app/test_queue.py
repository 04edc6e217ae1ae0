"""Who renders next."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer import Cancel
from lora_mixer.errors import CancelledError, RequestError
from lora_mixer_app.serving.presence import A_MOMENT, NEVER_CAME, Presence
from lora_mixer_app.serving.queue import MOST_WAITING, RenderQueue
from lora_mixer_app.serving.session import Listened


def test_whoever_waits_is_told_how_many_are_ahead_and_who_cancels_does_not_count() -> None:
    queue, first, second = RenderQueue(), Cancel(), Cancel()
    assert queue.ahead() == 0
    with queue.take(first):
        assert queue.ahead() == 1
        second.press()
        with pytest.raises(CancelledError), queue.take(second):
            pass
        first.press()
        assert queue.ahead() == 0
    with queue.take(Cancel()):
        assert queue.ahead() == 1


class Street:
    """People in a line whose turns take as long as they say, on a clock of its own."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.queue = RenderQueue(clock=lambda: self.seconds)
        self.served: list[str] = []
        self._threads: list[threading.Thread] = []

    def ask(self, caller: str, seconds: float = 1.0, cancel: Cancel | None = None) -> None:
        """Wait in a thread for a turn, in the order of these calls."""
        before = len(self.queue.waiting)

        def wait() -> None:
            try:
                with self.queue.take(cancel or Cancel(), caller=caller):
                    self.served.append(caller)
                    self.seconds += seconds
            except CancelledError:
                pass

        self._threads.append(thread := threading.Thread(target=wait))
        thread.start()
        while len(self.queue.waiting) == before:
            time.sleep(0.0005)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Let nobody have a turn meanwhile; then wait until all had theirs."""
        with self.queue.take(Cancel(), caller="somebody else"):
            yield
        for thread in self._threads:
            thread.join(30)


def test_one_caller_with_many_pictures_waits_while_each_other_gets_a_turn() -> None:
    street = Street()
    with street.busy():
        for _ in range(6):
            street.ask("greedy")
        street.ask("ada")
        street.ask("bo")
        street.ask("ada")
        assert street.queue.ahead("cy") == 4  # who has it, and one of each
        assert street.queue.ahead("greedy") == 10
    assert street.served[:5] == ["greedy", "ada", "bo", "greedy", "ada"]


def test_a_turn_costs_what_it_took() -> None:
    street = Street()
    with street.busy():
        for _ in range(3):
            street.ask("slow", 10.0)
        for _ in range(9):
            street.ask("quick", 1.0)
    assert street.served == ["slow", *["quick"] * 9, "slow", "slow"]


def test_who_leaves_the_line_has_used_nothing_up() -> None:
    street, left = Street(), Cancel()
    with street.busy():
        street.ask("ada", cancel=left)
        street.ask("bo")
        street.ask("bo")
        left.press()
        street.ask("ada")
    assert street.served == ["bo", "ada", "bo"]


def test_nobody_saves_up_a_claim_by_staying_away() -> None:
    street = Street()
    for _ in range(20):
        with street.queue.take(Cancel(), caller="ada"):
            street.seconds += 1
    with street.busy():
        street.ask("ada")
        street.ask("new")
        street.ask("new")
        street.ask("ada")
    assert sorted(street.served[:2]) == sorted(street.served[2:]) == ["ada", "new"]


def test_a_caller_is_refused_what_is_too_much_and_nobody_else_is() -> None:
    street = Street()
    with street.busy():
        for _ in range(MOST_WAITING):
            street.ask("greedy")
        with pytest.raises(RequestError, match="waiting already"), street.queue.take(Cancel(), caller="greedy"):
            pass
        street.ask("ada")
    assert street.served[1] == "ada"
    assert len(street.served) == MOST_WAITING + 1


def test_who_does_not_listen_lets_everybody_else_go_first_and_makes_room() -> None:
    street, clock = Street(), [0.0]
    presence = Presence(clock=lambda: clock[0])
    unheard = [Listened(presence.watch(f"call {n}"), threading.Event()) for n in range(MOST_WAITING)]
    with street.busy():
        for cancel in unheard:
            street.ask("ada", cancel=cancel)
        clock[0] = A_MOMENT + 0.1
        street.ask("ada")
        street.ask("bo")
        assert unheard[0].pressed
    assert street.served[:2] == ["ada", "bo"]
    assert len(street.served) == MOST_WAITING + 1
    clock[0] = NEVER_CAME + 0.1
    assert all(cancel.pressed for cancel in unheard)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 5.0)), max_size=14))
def test_whatever_people_ask_for_everybody_is_served_and_shares_differ_by_one_turn_at_most(
    asked: list[tuple[str, float]],
) -> None:
    street = Street()
    with street.busy():
        for caller, seconds in asked:
            street.ask(caller, seconds)
    assert sorted(street.served) == sorted(caller for caller, _ in asked)
    left = {caller: [s for who, s in asked if who == caller] for caller in "abc"}
    used = dict.fromkeys("abc", 0.0)
    longest = max((seconds for _, seconds in asked), default=0.0)
    for caller in street.served:
        waiting = [who for who in "abc" if left[who]]
        used[caller] += left[caller].pop(0)
        assert max(used[who] for who in waiting) - min(used[who] for who in waiting) <= 2 * longest + 1e-9
