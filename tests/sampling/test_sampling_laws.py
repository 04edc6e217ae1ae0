"""Laws over every row of the sampler table, on a denoiser that knows the picture."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lora_mixer.errors import RequestError
from lora_mixer.sampling import SAMPLERS, NoiseSource, Sampler, find_sampler, sample, starting_noise
from tests.support.normal_data import TRAINED

SHAPE = (4, 6, 5)
ALL = [find_sampler(row.name, schedule) for row in SAMPLERS for schedule in row.schedules]


def toy(latents: Tensor, timestep: Tensor, step: int) -> Tensor:
    """A nonlinear stand-in that treats every picture by itself."""
    return torch.tanh(latents) * 0.5 + 0.1 * latents.roll(1, -1) + timestep.float() * 1e-4


def run(sampler: Sampler, seeds: list[int], steps: int = 6, prediction: str = "epsilon") -> list[Tensor]:
    sources = [NoiseSource(seed) for seed in seeds]
    latents = starting_noise(sources, SHAPE)
    config = {**TRAINED, "prediction_type": prediction}
    return [step.latents for step in sample(toy, latents, sampler, config, steps, sources)]


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_a_picture_does_not_depend_on_its_neighbours(row):
    sampler = find_sampler(row.name)
    if row.alone:
        with pytest.raises(RequestError, match="one picture at a time"):
            run(sampler, [5, 6, 7], steps=5)
        return
    together = run(sampler, [5, 6, 7], steps=5)[-1]
    alone = torch.cat([run(sampler, [seed], steps=5)[-1] for seed in (5, 6, 7)])
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sampler", ALL, ids=lambda s: f"{s.name} {s.schedule}")
def test_every_step_is_yielded_once_in_order_and_finite(sampler):
    sources = [NoiseSource(1)]
    for steps in (1, 5):
        taken = list(sample(toy, starting_noise(sources, SHAPE), sampler, TRAINED, steps, sources))
        assert [step.index for step in taken] == list(range(steps))
        assert all(step.total == steps for step in taken)
        assert all(step.latents.isfinite().all() and step.predicted.isfinite().all() for step in taken)


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_the_global_generator_is_never_touched(row):
    before = torch.get_rng_state()
    run(find_sampler(row.name), [3] if row.alone else [3, 4])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_a_row_says_truly_whether_it_draws_noise(row):
    sources = [NoiseSource(3)]
    latents = starting_noise(sources, SHAPE)
    state = sources[0].generator.get_state()
    list(sample(toy, latents, find_sampler(row.name), TRAINED, 24, sources))
    assert (not torch.equal(state, sources[0].generator.get_state())) == row.noisy


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_the_same_seed_gives_the_same_bits_twice(row):
    assert torch.equal(run(find_sampler(row.name), [9])[-1], run(find_sampler(row.name), [9])[-1])
