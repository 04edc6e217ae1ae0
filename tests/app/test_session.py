"""A session's work and model under threads: what was begun ends when its caller leaves, and a choice is never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer import Cancel
from lora_mixer_app.serving.session import Session
from tests.support.threads import together

KINDS = ("desk", "sheet", "idle")


def test_whatever_begins_around_the_end_of_a_session_is_cancelled() -> None:
    session, begun = Session(), list[Cancel]()

    def work() -> None:
        for number in range(60):
            begun.append(cancel := Cancel())
            session.begin(KINDS[number % 3], cancel)
            if number % 5 == 0:
                session.cancel(KINDS[number % 2])

    with together([work] * 4):
        session.close()
    assert len(begun) == 240
    assert all(cancel.pressed for cancel in begun)


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), max_size=20))
def test_one_work_of_a_kind_runs_and_it_is_the_newest(doings: list[tuple[str, bool]]) -> None:
    session, newest, begun = Session(), dict[str, Cancel](), list[tuple[str, Cancel]]()
    for kind, begins in doings:
        if begins:
            begun.append((kind, cancel := Cancel()))
            session.begin(kind, cancel)
            newest[kind] = cancel
        else:
            session.cancel(kind)
            newest.pop(kind, None)
    for kind, cancel in begun:
        assert cancel.pressed == (newest.get(kind) is not cancel)
        assert session.is_newest(kind, cancel) == (newest.get(kind, cancel) is cancel)


@pytest.mark.parametrize(
    ("heard", "left"),
    [
        (["b+", "c+"], "c"),
        (["c+", "b+"], "c"),
        (["b-", "c+"], "c"),
        (["c+", "b-"], "c"),
        (["b+", "c-"], "b"),
        (["b-", "c-"], "a"),
        (["c-", "b+"], "a"),
    ],
)
def test_the_model_is_the_one_chosen_last_of_those_that_open(heard: list[str], left: str) -> None:
    session = Session()
    for model in ("a", "b", "c"):
        session.choose(model)
        if model == "a":
            session.was_opened(model)
    for name, opened in heard:
        (session.was_opened if opened == "+" else session.was_refused)(name)
    assert session.model == left
    session.choose("d")
    session.was_refused("d")
    assert session.model == left
