"""What holds for every way of blending, alone, balanced, in regions and in places that are found: pixels, not plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer import Cancel, LoraUse, Mixer, Progress, Rectangle, Region, Strength
from lora_mixer.choices import METHODS, MethodRow
from lora_mixer.errors import CancelledError, RequestError

ALL = Rectangle(left=0, top=0, right=1, bottom=1)
SMALL: dict[str, Any] = {"width": 64, "height": 64, "steps": 3, "seed": 7}
NAMES = ("line_art", "sepia", "night_sky")
HALVES = (
    Region("red heart", mask=(0, 0, 0.5, 1), loras={"top_hat": 0.7}),
    Region("sun", mask=(0.5, 0, 1, 1), feather=0.2),
)
PLACES: dict[str, dict[str, Any]] = {
    "plain": {},
    "balanced": {"balance": "block"},
    "regions": {"regions": HALVES},
    "found": {"regions": (Region(words="cat", loras={"pixel_art": 0.6}), Region(words="sky", mask="auto"))},
}
Ending = Callable[[int], tuple[type[BaseException], dict[str, Any]]]
EVERY_METHOD = pytest.mark.parametrize("row", METHODS, ids=lambda row: row.name)
MIXES = st.permutations((0.8, -0.6, 1.0))


def places_of(row: MethodRow) -> list[str]:
    """Return where a method is tried, the hardest first: dense ones know no masks, and say so."""
    return [place for place in reversed(PLACES) if not (row.dense and place in {"regions", "found"})]


def drawn(mixer: Mixer, mix: Any, method: str, place: str, **more: Any) -> np.ndarray[Any, Any]:
    wish = {"loras": mix, "method": method, **PLACES[place], **SMALL, **more}
    return np.asarray(mixer.render("a cat in the sky", **wish).image)


@EVERY_METHOD
@given(data=st.data(), strengths=MIXES)
@settings(max_examples=1, deadline=None)
def test_one_lora_is_that_lora_0_is_off_order_changes_nothing_and_a_mask_of_everything_is_none(
    mixer: Mixer, row: MethodRow, data: st.DataObject, strengths: list[float]
) -> None:
    method, place = row.name, data.draw(st.sampled_from(places_of(row)))
    uses = [LoraUse(name, Strength(strength)) for name, strength in zip(NAMES, strengths, strict=True)]
    alone = drawn(mixer, uses[:1], "sum", place)
    off = LoraUse(NAMES[1], Strength(0.0))
    assert np.array_equal(drawn(mixer, [off, uses[0]], method, place), alone)
    mixed = drawn(mixer, uses, method, place)
    assert np.array_equal(drawn(mixer, uses[::-1], method, place), mixed)
    covered = [uses[1], LoraUse(NAMES[0], Strength(strengths[0], mask=ALL)), uses[2]]
    assert np.array_equal(drawn(mixer, covered, method, place), mixed)


def cancelled(step: int) -> tuple[type[BaseException], dict[str, Any]]:
    """Return what a press of the switch at a step raises, and how to render for it."""
    cancel = Cancel()
    return CancelledError, {
        "cancel": cancel,
        "on_progress": lambda progress: cancel.press() if progress.step >= step else None,
    }


def interrupted(step: int) -> tuple[type[BaseException], dict[str, Any]]:
    """Return the same of Ctrl+C at a step."""

    def interrupt(progress: Progress) -> None:
        if progress.step >= step:
            raise KeyboardInterrupt

    return KeyboardInterrupt, {"on_progress": interrupt}


ENDINGS = ((cancelled, 1), (interrupted, 2), (interrupted, 1), (cancelled, 2))
"""How a render of three steps ends before its time: one for each place."""


@EVERY_METHOD
@given(endings=st.permutations(ENDINGS))
@settings(max_examples=1, deadline=None)
def test_the_weights_and_the_next_picture_survive_cancels_and_errors(
    mixer: Mixer, row: MethodRow, endings: Sequence[tuple[Ending, int]]
) -> None:
    mix = dict.fromkeys(NAMES, 0.8)
    before = mixer.model.checksum()
    expected = drawn(mixer, mix, row.name, "plain")
    for place, (ending, step) in zip(places_of(row), endings, strict=False):
        error, how = ending(step)
        with pytest.raises(error):
            drawn(mixer, mix, row.name, place, **how)
    with pytest.raises(RequestError):
        drawn(mixer, mix, row.name, "plain", preset="there is none")
    assert mixer.model.checksum() == before
    assert np.array_equal(drawn(mixer, mix, row.name, "plain"), expected)
