"""A UNet with new ends answers latents that say the same in other numbers as it answered the old ones."""

from __future__ import annotations

import pytest
import torch

from training.networks import make_unet
from training.transplant import linear_map, transplant


def test_latents_in_other_numbers_are_answered_alike() -> None:
    torch.manual_seed(0)
    turn = torch.linalg.qr(torch.randn(6, 4)).Q
    old = torch.randn(8, 4, 8, 8)
    new = torch.einsum("ji,nihw->njhw", turn, old)
    states, times = torch.randn(8, 5, 128), torch.arange(8) * 100
    unet = make_unet(4).eval()
    with torch.no_grad():
        expected = torch.einsum("ji,nihw->njhw", turn, unet(old, times, encoder_hidden_states=states).sample)
        moved = transplant(unet, old, new)
        answered = moved(new, times, encoder_hidden_states=states).sample
    assert moved.config.in_channels == moved.config.out_channels == 6
    assert torch.allclose(answered, expected, atol=1e-4)


def test_the_map_is_the_least_squares_one() -> None:
    generator = torch.Generator().manual_seed(1)
    source, matrix = torch.randn(4, 3, 8, 8, generator=generator), torch.randn(2, 3, generator=generator)
    target = torch.einsum("dc,nchw->ndhw", matrix, source)
    assert linear_map(source, target) == pytest.approx(matrix, abs=1e-4)
    noisy = target + torch.randn(target.shape, generator=generator)
    left = noisy - torch.einsum("dc,nchw->ndhw", linear_map(source, noisy), source)
    assert float(torch.einsum("ndhw,nchw->dc", left, source).abs().max()) < 1e-2
