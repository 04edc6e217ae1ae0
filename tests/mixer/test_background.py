"""The bridge from a thread to whoever follows it: items are never missed, news may be, the end is always told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer.errors import CancelledError
from lora_mixer.mixer import Cancel
from lora_mixer.mixer.background import Background

Tell = Callable[[float], None]


def counting(most: int, *, fails_at: int | None = None) -> Callable[[Tell, Cancel], Iterator[int]]:
    """Return work that brings 0, 1, ..., and between them tells of the halves."""

    def work(tell: Tell, cancel: Cancel) -> Iterator[int]:
        for number in range(most):
            cancel.check()
            tell(number + 0.5)
            if number == fails_at:
                raise KeyError(number)
            yield number

    return work


async def heard(work: Background[int, float], *, news: bool) -> list[float]:
    return [event async for event in (work.events() if news else work)]


@settings(max_examples=25)
@given(most=st.integers(0, 40), fails=st.booleans(), reads=st.sampled_from(["items", "follow", "async", "events"]))
def test_every_way_of_reading_brings_every_item_in_order_and_then_the_failure(
    most: int, fails: bool, reads: str
) -> None:
    work = Background[int, float](counting(most, fails_at=most - 1 if fails and most else None))
    seen: list[float] = []

    def read() -> None:
        if reads in {"async", "events"}:
            asyncio.run(gather())
        else:
            seen.extend(work if reads == "items" else work.follow())

    async def gather() -> None:
        async for event in work.events() if reads == "events" else work:
            seen.append(event)  # noqa: PERF401 what came before a failure counts

    if fails and most:
        with pytest.raises(KeyError):
            read()
    else:
        read()
    items, news = [x for x in seen if x == int(x)], [x for x in seen if x != int(x)]
    assert items == list(range(most - 1 if fails and most else most))
    assert news == sorted(set(news))
    assert bool(news) <= (reads in {"follow", "events"})
    assert work.done
    assert threading.active_count() < 10


def test_the_switch_that_is_given_stops_the_work_and_is_pressed_when_the_context_is_left() -> None:
    cancel, came = Cancel(), threading.Event()

    def forever(_tell: Tell, cancel: Cancel) -> Iterator[int]:
        while True:
            came.set()
            cancel.check()

    with Background(forever, cancel=cancel) as work:
        came.wait(30)
    assert cancel.pressed
    assert work.done
    with pytest.raises(CancelledError):
        work.wait()
    with pytest.raises(CancelledError):
        list(work.follow())


def test_what_the_start_itself_raises_is_told_like_all_else() -> None:
    def broken(_tell: Tell, _cancel: Cancel) -> Iterator[int]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Background(broken).wait(30)


def test_a_reader_that_leaves_early_takes_nothing_from_the_others() -> None:
    work = Background[int, float](counting(50))

    async def first() -> float:
        async for number in work:
            return number
        return -1

    assert asyncio.run(first()) == 0
    assert next(iter(work)) == 0
    assert list(work) == list(range(50))
