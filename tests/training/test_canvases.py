"""Canvases are put together from encoded looks, and their captions say which side is whose."""

from __future__ import annotations

import random

import torch
from hypothesis import given
from hypothesis import strategies as st

from training.canvases import PAIRS, SIZES, on_paper, pair_caption, side_by_side


def test_the_left_subject_lies_left() -> None:
    left, right = torch.zeros(5, 16, 16), torch.ones(5, 16, 16)
    canvas = side_by_side(left, right)
    assert canvas.shape == (5, *SIZES[0])
    assert torch.equal(canvas[..., :16], left)
    assert torch.equal(canvas[..., 16:], right)


@given(st.sampled_from(SIZES), st.integers(0, 99))
def test_a_subject_lies_whole_on_empty_paper(size: tuple[int, int], seed: int) -> None:
    subject, paper = torch.randn(3, 16, 16), torch.tensor([7.0, 8.0, 9.0])
    canvas = on_paper(subject, paper, size, random.Random(seed))
    assert canvas.shape == (3, *size)
    empty = (canvas == paper[:, None, None]).all(0)
    assert int((~empty).sum()) == 16 * 16
    assert torch.equal(canvas[:, ~empty].reshape(3, 16, 16), subject)


@given(st.integers(0, 10_000))
def test_captions_name_both_and_never_the_wrong_side(seed: int) -> None:
    text = pair_caption("cat", "rocket", random.Random(seed))
    assert "cat" in text
    assert "rocket" in text
    for wrong in ("rocket on the left", "cat on the right", "left: rocket", "right: cat", "rocket left", "cat right"):
        assert wrong not in text


def test_every_form_of_caption_is_used() -> None:
    texts = {pair_caption("x", "y", random.Random(seed)).removesuffix(", white background") for seed in range(600)}
    assert texts == {template.format("x", "y") for template in PAIRS}
