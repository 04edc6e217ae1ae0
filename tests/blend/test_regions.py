"""Masks and negative-only strengths on the embedded model, from request to pixels."""

from __future__ import annotations

import numpy as np

from lora_mixer import LoraUse, Mixer, Strength
from lora_mixer.mixes import Rectangle


def rendered(mixer: Mixer, strength: Strength | None, **options: object) -> np.ndarray:
    loras = () if strength is None else (LoraUse(name="night_sky", strength=strength),)
    picture = mixer.render("cat", seed=7, steps=3, loras=loras, **options)
    return np.asarray(picture.image).astype(int)


def test_a_mask_of_the_left_half_changes_the_left_more_than_the_right(mixer: Mixer) -> None:
    plain, whole = rendered(mixer, None), rendered(mixer, Strength())
    left = rendered(mixer, Strength(text=0.0, mask=Rectangle(left=0, top=0, right=0.5, bottom=1)))
    half = plain.shape[1] // 2
    changed = np.abs(left - plain).mean(axis=(0, 2))
    assert changed[:half].mean() > changed[half:].mean()
    assert not np.array_equal(left, whole)


def test_a_mask_of_everything_is_no_mask(mixer: Mixer) -> None:
    everything = Strength(mask=Rectangle(left=0, top=0, right=1, bottom=1))
    assert np.abs(rendered(mixer, everything) - rendered(mixer, Strength())).max() <= 2


def test_a_negative_strength_of_the_request_is_the_tag_in_the_negative_prompt(mixer: Mixer) -> None:
    asked = rendered(mixer, Strength(negative=True), negative="red")
    tagged = rendered(mixer, None, negative="red <lora:night_sky:1>")
    assert np.array_equal(asked, tagged)
    assert not np.array_equal(asked, rendered(mixer, Strength(), negative="red"))
