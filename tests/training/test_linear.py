"""A VAE starts at a linear code that its skip paths hold, however wide and deep it is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from training.linear import start_linear
from training.networks import Vae, make_vae


def smooth_pictures(count: int = 12, seed: int = 0) -> Tensor:
    noise = torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(noise, size=64, mode="bicubic", align_corners=False).clamp(-1, 1)


def decibels(vae: Vae, pictures: Tensor) -> float:
    with torch.no_grad():
        restored = vae.decode(vae.encode(pictures).latent_dist.mode()).sample
    return float(-10 * ((restored - pictures) / 2).square().mean().log10())


def started(channels: int, widths: tuple[int, ...]) -> Vae:
    torch.manual_seed(0)
    vae = make_vae(channels, widths)
    start_linear(vae, smooth_pictures())
    return vae


@pytest.mark.parametrize(("channels", "widths"), [(4, (16, 32, 64, 128)), (16, (16, 32, 64, 128)), (4, (16, 32, 64))])
def test_it_shows_new_pictures_before_any_training(channels: int, widths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    random = decibels(make_vae(channels, widths), smooth_pictures(4, seed=1))
    assert decibels(started(channels, widths), smooth_pictures(4, seed=1)) > random + 4


def test_more_channels_show_more() -> None:
    widths = (16, 32, 64, 128)
    unseen = smooth_pictures(4, seed=1)
    assert decibels(started(12, widths), unseen) > decibels(started(2, widths), unseen)


def test_its_latents_are_whitened() -> None:
    pictures = smooth_pictures()
    with torch.no_grad():
        code = started(8, (16, 32, 64, 128)).encode(pictures).latent_dist.mode().transpose(0, 1).flatten(1)
    assert code.std(1) == pytest.approx(torch.ones(8), abs=0.15)
    assert torch.corrcoef(code) == pytest.approx(torch.eye(8), abs=0.15)


def test_it_is_linear_in_spite_of_norms_and_activations() -> None:
    vae = started(8, (16, 32, 64, 128))
    one, other = torch.randn(2, 1, 8, 8, 8, generator=torch.Generator().manual_seed(2)).unbind()
    with torch.no_grad():
        middle = vae.decode((one + other) / 2).sample
        mean = (vae.decode(one).sample + vae.decode(other).sample) / 2
    assert float((middle - mean).abs().mean()) < 0.02 * float(mean.std())


def test_every_weight_can_learn() -> None:
    vae = started(4, (16, 32, 64, 128))
    pictures = smooth_pictures(2)
    vae.decode(vae.encode(pictures).latent_dist.mode()).sample.sub(pictures).square().mean().backward()
    silent = {name for name, weight in vae.named_parameters() if weight.grad is None or not bool(weight.grad.any())}
    behind_zeros = ("norm1", "norm2", "conv1")
    assert all(any(part in name for part in behind_zeros) for name in silent), silent


def test_too_few_channels_for_the_code_are_refused() -> None:
    with pytest.raises(ValueError, match="pairs"):
        start_linear(make_vae(16, (16, 32, 32, 32)), smooth_pictures())
