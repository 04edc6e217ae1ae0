"""What holds for every way of blending, alone, balanced, in regions and in places that are found: pixels, not plans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer import Cancel, LoraUse, Mixer, Rectangle, Region, Strength
from lora_mixer.choices import METHODS
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
CASES = [
    (row.name, place)
    for row in METHODS
    for place in PLACES
    if not (row.dense and place in {"regions", "found"})  # these know no masks, and say so
]
MIXES = st.lists(st.sampled_from([-0.6, 0.3, 0.8, 1.0]), min_size=len(NAMES), max_size=len(NAMES))


def drawn(mixer: Mixer, mix: Any, method: str, place: str, **more: Any) -> np.ndarray[Any, Any]:
    wish = {"loras": mix, "method": method, **PLACES[place], **SMALL, **more}
    return np.asarray(mixer.render("a cat in the sky", **wish).image)


@given(case=st.sampled_from(CASES), strengths=MIXES)
@settings(max_examples=6, deadline=None)
def test_one_lora_is_that_lora_0_is_off_order_changes_nothing_and_a_mask_of_everything_is_none(
    mixer: Mixer, case: tuple[str, str], strengths: list[float]
) -> None:
    method, place = case
    uses = [LoraUse(name, Strength(strength)) for name, strength in zip(NAMES, strengths, strict=True)]
    alone = drawn(mixer, uses[:1], "sum", place)
    off = LoraUse(NAMES[1], Strength(0.0))
    assert np.array_equal(drawn(mixer, [off, uses[0]], method, place), alone)
    mixed = drawn(mixer, uses, method, place)
    assert np.array_equal(drawn(mixer, uses[::-1], method, place), mixed)
    covered = [uses[1], LoraUse(NAMES[0], Strength(strengths[0], mask=ALL)), uses[2]]
    assert np.array_equal(drawn(mixer, covered, method, place), mixed)


@given(case=st.sampled_from(CASES))
@settings(max_examples=4, deadline=None)
def test_the_pristine_weights_survive_cancels_and_errors(mixer: Mixer, case: tuple[str, str]) -> None:
    method, place = case
    mix = dict.fromkeys(NAMES, 0.8)
    before = mixer.model.checksum()
    cancel = Cancel()
    with pytest.raises(CancelledError):
        drawn(mixer, mix, method, place, cancel=cancel, on_progress=lambda _: cancel.press())
    with pytest.raises(KeyboardInterrupt):
        drawn(mixer, mix, method, place, on_progress=_interrupt)
    with pytest.raises(RequestError):
        drawn(mixer, mix, method, place, preset="there is none")
    assert mixer.model.checksum() == before


def _interrupt(_: object) -> None:
    raise KeyboardInterrupt
