"""Masks in sampling: what is kept stays exactly, by every sampler, and what is drawn is diffusers' where it has a word."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lora_mixer.sampling import SAMPLERS, NoiseSource, PictureStart, find_sampler, resample, starting_noise
from tests.support.normal_data import MEAN, TRAINED, exact


def halves(side: int) -> Tensor:
    redrawn = torch.zeros(1, 1, side, side)
    redrawn[..., side // 2 :] = 1
    return redrawn


def inpainted(name: str, pictures: Tensor, *, steps: int = 12, **given: object) -> Tensor:
    start = PictureStart(pictures=pictures, steps=16, redrawn=halves(pictures.shape[-1]), **given)
    *_, last = resample(exact, start, find_sampler(name), TRAINED, steps, [NoiseSource(4)])
    return last.latents


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_what_is_kept_stays_exactly_and_the_rest_is_what_the_model_knows(row):
    pictures = torch.full((1, 1, 32, 32), -7.0)
    latents = inpainted(row.name, pictures, content="latent nothing")
    assert torch.equal(latents[..., :16], pictures[..., :16])
    assert latents[..., 16:].mean() == pytest.approx(MEAN, abs=0.3)


@pytest.mark.parametrize("schedule", ["Automatic", "Trailing"])
def test_a_mask_of_all_is_no_mask(schedule):
    pictures = MEAN + torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    taken = []
    for redrawn in (None, torch.ones(1, 1, 8, 8)):
        start = PictureStart(pictures=pictures, steps=8, redrawn=redrawn)
        *_, last = resample(exact, start, find_sampler("Euler", schedule), TRAINED, 4, [NoiseSource(4)])
        taken.append(last.latents)
    assert torch.equal(*taken)


def test_the_noise_under_a_mask_is_the_seeds_own():
    pictures, noise = torch.full((1, 1, 8, 8), 3.0), starting_noise([NoiseSource(4)], (1, 8, 8))
    start = PictureStart(pictures=pictures, steps=4, redrawn=halves(8), content="latent noise")
    under = start.under(noise)
    assert torch.equal(under[..., 4:], noise[..., 4:])
    assert torch.equal(under[..., :4], pictures[..., :4])


@pytest.mark.parametrize("schedule", ["Automatic", "Trailing"])
def test_from_noise_alone_nothing_of_the_picture_is_left_under_the_mask(schedule):
    drawn = [
        inpainted_by(schedule, torch.full((1, 1, 8, 8), colour), redrawn=torch.ones(1, 1, 8, 8)) for colour in (-3.0, 3)
    ]
    assert torch.equal(*drawn)


def inpainted_by(schedule: str, pictures: Tensor, redrawn: Tensor) -> Tensor:
    start = PictureStart(pictures=pictures, steps=6, redrawn=redrawn, anew=True)
    *_, last = resample(exact, start, find_sampler("Euler", schedule), TRAINED, 6, [NoiseSource(4)])
    return last.latents
