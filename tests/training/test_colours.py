"""Colour words: each typical value is called by its own name, and recolouring does what its word says."""

from __future__ import annotations

import pytest
import torch

from training.colours import COLOURS, HUES, NAMES, classify_pixels, colour_shares, hsv_to_rgb, rgb_to_hsv
from training.recolour import RECOLOURS, recolour


@pytest.mark.parametrize("word", NAMES)
def test_a_colours_typical_value_is_called_by_its_name(word: str) -> None:
    pixel = torch.tensor(COLOURS[word]).float()[:, None, None] / 255
    assert NAMES[int(classify_pixels(pixel[None]))] == word


def test_hsv_and_back_changes_nothing() -> None:
    pictures = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(hsv_to_rgb(*rgb_to_hsv(pictures)), pictures, atol=1e-4)


def test_shares_of_all_colour_words_sum_to_one() -> None:
    pictures = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(colour_shares(pictures, torch.ones(3, 8, 8)).sum(1), torch.ones(3))


@pytest.mark.parametrize("word", RECOLOURS)
def test_a_recoloured_subject_is_mostly_of_the_named_colour(word: str) -> None:
    tone = torch.linspace(0.35, 0.9, 16).expand(16, 16)
    artwork = torch.stack([tone, tone * 0.55, tone * 0.2, torch.ones(16, 16)])[None]
    shares = colour_shares(recolour(artwork, word)[:, :3], torch.ones(1, 16, 16))[0]
    chromatic = [NAMES.index(name) for name in (*HUES, "brown")]
    wanted = NAMES.index(word)
    assert int(shares.argmax()) == wanted or (wanted in chromatic and float(shares[wanted]) > 0.3)
