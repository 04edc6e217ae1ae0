"""Who renders next."""

from __future__ import annotations

import pytest

from lora_mixer import Cancel
from lora_mixer.errors import CancelledError
from lora_mixer_app.ui.turns import Turns


def test_whoever_waits_is_told_how_many_are_ahead_and_who_cancels_does_not_count() -> None:
    turns, first, second = Turns(), Cancel(), Cancel()
    assert turns.ahead == 0
    with turns.take(first):
        assert turns.ahead == 1
        second.press()
        with pytest.raises(CancelledError), turns.take(second):
            pass
        first.press()
        assert turns.ahead == 0
    with turns.take(Cancel()):
        assert turns.ahead == 1


def test_long_work_lets_others_in_between_its_items() -> None:
    turns, seen = Turns(), []
    for item in turns.each("ab", Cancel()):
        with turns.take(Cancel()):
            seen.append(item)
    assert seen == ["a", "b"]
