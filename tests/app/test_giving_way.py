"""Whose turn is long gives way between two steps to who has had less of the model."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer import Cancel
from lora_mixer.errors import CancelledError
from lora_mixer.mixer.turn import Turn
from lora_mixer_app.serving.queue import FIRST_SIGHT, RenderQueue

STEP = 0.1
ME, OTHER = ("me", "first tab"), ("me", "second tab")


@dataclass
class Studio:
    """Renders of so many steps, on a clock that goes on with each step; what was computed by whom, in order."""

    seconds: float = 0.0
    steps: list[str] = field(default_factory=list)
    turn: Turn = field(default_factory=Turn)
    threads: list[threading.Thread] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = RenderQueue(clock=lambda: self.seconds)

    @contextmanager
    def aside(self) -> Iterator[None]:
        with self.turn.aside():
            yield

    def render(self, name: str, count: int, *, whose: tuple[str, str], model: str | None = "a", **said: object) -> None:
        """Render in a thread; `at` calls a function by the number of steps done, before the render would give way."""
        at, cancel = said.get("at", {}), said.get("cancel") or Cancel()

        def work() -> None:
            with suppress(CancelledError), self.queue.take(cancel, caller=whose[0], tab=whose[1], model=model) as way:
                try:
                    self._computed(name, count, way, at, cancel)
                except CancelledError:
                    self.cancelled.append(name)
                    raise

        before = self.queue._tickets
        self.threads.append(thread := threading.Thread(target=work, daemon=True))
        thread.start()
        while self.queue._tickets == before:
            time.sleep(0.0005)

    def _computed(self, name: str, count: int, way: object, at: dict, cancel: Cancel) -> None:
        with self.turn:
            for number in range(1, count + 1):
                cancel.check()
                self.steps.append(name)
                self.seconds += STEP
                at.get(number, lambda: None)()
                way(self)

    def join(self) -> str:
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        assert self.queue.holder is None
        assert not self.queue.waiting
        return "".join(self.steps)


def test_another_tab_s_picture_is_made_between_the_steps_of_a_long_one() -> None:
    studio = Studio()
    studio.render("L", 30, whose=ME, at={3: lambda: studio.render("s", 4, whose=OTHER)})
    assert studio.join() == "LLL" + "ssss" + "L" * 27


def test_a_tab_whose_slider_moves_again_and_again_is_seen_at_once_each_time() -> None:
    """What it used before does not count against it: the one person looks at it now."""
    studio = Studio()

    def again(left: int) -> None:
        cancel = Cancel()
        at = {3: cancel.press} if left else {}
        studio.render(str(left), 4, whose=OTHER, cancel=cancel, at=at)

    studio.render(
        "L", 30, whose=ME, at={2: lambda: again(3), 4: lambda: again(2), 6: lambda: again(1), 8: lambda: again(0)}
    )
    assert studio.join().replace("L", "") == "333" + "222" + "111" + "0000"
    assert studio.steps[:20].count("L") <= 8


def test_whoever_is_new_is_seen_at_once_and_then_they_take_longer_and_longer_turns() -> None:
    studio = Studio()
    studio.render("a", 60, whose=ME, at={1: lambda: studio.render("b", 60, whose=OTHER)})
    steps = studio.join()
    assert sorted(steps) == ["a"] * 60 + ["b"] * 60
    assert steps.index("b") * STEP <= FIRST_SIGHT + STEP + 1e-9
    changes = sum(one != next_one for one, next_one in itertools.pairwise(steps))
    assert 3 <= changes <= 8  # they take turns, and the longer they do, the seldomer


@pytest.mark.parametrize(
    ("whose", "model"), [(ME, "a"), (OTHER, "b"), (OTHER, None)], ids=["its own tab", "another model", "no model told"]
)
def test_it_gives_way_to_nobody_else(whose: tuple[str, str], model: str | None) -> None:
    studio = Studio()
    studio.render("L", 12, whose=ME, at={1: lambda: studio.render("s", 2, whose=whose, model=model)})
    assert studio.join() == "L" * 12 + "ss"


def test_other_callers_have_equal_shares_however_many_tabs_each_has() -> None:
    studio = Studio()

    def come() -> None:
        for tab in "234":
            studio.render("m", 150, whose=("me", tab))
        studio.render("o", 150, whose=("other", "1"))

    studio.render("m", 150, whose=("me", "1"), at={1: come})
    steps = studio.join()
    assert 100 <= steps[: steps.rindex("o")].count("m") <= 200


def test_who_is_cancelled_while_it_stands_aside_leaves_at_once() -> None:
    """The one that computes lets it have the model for a moment, though it owes it nothing any more."""
    studio, cancel = Studio(), Cancel()
    left: list[int] = []

    def press() -> None:
        cancel.press()
        for _ in range(2000):  # until its thread has noticed
            if studio.queue._leaving or "L" in studio.cancelled:
                return
            time.sleep(0.001)

    def look() -> None:
        left.append(len(studio.cancelled))

    def come() -> None:
        studio.render("s", 12, whose=OTHER, at={2: press, 4: look})

    studio.render("L", 30, whose=ME, at={3: come}, cancel=cancel)
    assert studio.join() == "LLL" + "s" * 12
    assert left == [1]


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from("xy"), st.sampled_from("12"), st.sampled_from("ab"), st.integers(1, 12)),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_asked_for_each_is_made_once_and_whole(asked: list[tuple[str, str, str, int]]) -> None:
    studio = Studio()

    def come() -> None:
        for number, (caller, tab, model, count) in enumerate(asked):
            studio.render(str(number), count, whose=(caller, tab), model=model)

    studio.render("L", 8, whose=("x", "1"), at={1: come})
    steps = studio.join()
    assert {name: steps.count(name) for name in set(steps)} == {
        "L": 8,
        **{str(number): one[3] for number, one in enumerate(asked)},
    }
