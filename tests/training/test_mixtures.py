"""An amount says how much of a look a picture shows; the detector finds what it was taught."""

from __future__ import annotations

import random

import torch

from training.measures.detector import augmented, detection_rate, fit
from training.measures.mixtures import APART, NAMES, Mixtures, draw_amounts, mix_artwork


def test_at_most_two_looks_are_mixed_and_never_two_that_hide_each_other() -> None:
    for row in draw_amounts(500, random.Random(0)):
        shown = {name for name, amount in zip(NAMES, row.tolist(), strict=True) if amount}
        assert len(shown) <= 2
        assert shown not in APART
        assert float(row.abs().max()) <= 1


def test_only_the_slider_has_amounts_below_nothing() -> None:
    amounts = draw_amounts(500, random.Random(1))
    negative = (amounts < 0).any(0)
    assert [name for name, one in zip(NAMES, negative.tolist(), strict=True) if one] == ["warm_cold"]


def test_fading_artwork_ends_at_either_end() -> None:
    generator = torch.Generator().manual_seed(0)
    plain, styled = torch.rand(2, 2, 4, 8, 8, generator=generator)
    none, whole = torch.zeros(2, 1, 1, 1), torch.ones(2, 1, 1, 1)
    assert torch.allclose(mix_artwork(plain, styled, none), plain, atol=1e-3)
    assert torch.allclose(mix_artwork(plain, styled, whole), styled, atol=1e-3)


def test_augmentation_keeps_size_and_range() -> None:
    pictures = augmented(torch.rand(3, 3, 64, 64))
    assert pictures.shape == (3, 3, 64, 64)
    assert 0 <= float(pictures.min()) <= float(pictures.max()) <= 1


def test_the_network_learns_an_amount_that_is_there_to_be_seen() -> None:
    generator = torch.Generator().manual_seed(2)
    amounts = torch.zeros(256, len(NAMES))
    amounts[:, 0] = torch.rand(256, generator=generator).round()
    pictures = torch.rand(256, 3, 64, 64, generator=generator) * 0.5 + 0.5 * amounts[:, :1, None, None]
    network = fit(Mixtures(pictures=pictures, amounts=amounts, subjects=[0] * 256), random.Random(3), epochs=8)
    with torch.no_grad():
        guesses = network(pictures)
    assert detection_rate(guesses[:, 0], amounts[:, 0]) > 95
