"""The ancestral and SDE samplers against diffusers' where it has them, and against each other where noise is off."""

from __future__ import annotations

import math

import diffusers
import pytest
import torch
from torch import Tensor

from lora_mixer.errors import RequestError
from lora_mixer.sampling import SAMPLERS, NoiseSource, find_sampler, sample, starting_noise
from lora_mixer.sampling.ancestral import ancestral_levels
from tests.support.normal_data import SIGNAL, TRAINED

SHAPE = (4, 6, 5)
WITH_ETA = [row.name for row in SAMPLERS if row.eta is not None]


def toy(latents: Tensor, timestep: Tensor, step: int) -> Tensor:
    return torch.tanh(latents) * 0.5 + 0.1 * latents.roll(1, -1)


def run(
    name: str, *, eta: float | None = None, schedule: str = "diffusers Uniform", prediction: str = "epsilon"
) -> Tensor:
    sources = [NoiseSource(5)]
    config = {**TRAINED, "prediction_type": prediction}
    *_, last = sample(toy, starting_noise(sources, SHAPE), find_sampler(name, schedule, eta), config, 6, sources)
    return last.latents


def theirs(scheduler: str, prediction: str, **options: object) -> Tensor:
    source = NoiseSource(5)
    built = getattr(diffusers, scheduler)(**{**TRAINED, "prediction_type": prediction}, **options)
    built.set_timesteps(6)
    at = source.start(SHAPE)[None] * built.init_noise_sigma
    for timestep in built.timesteps:
        scaled = built.scale_model_input(at, timestep)
        at = built.step(toy(scaled, timestep, 0), timestep, at, generator=source.generator).prev_sample
    return at


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize(
    ("name", "scheduler"),
    [("Euler a", "EulerAncestralDiscreteScheduler"), ("DPM2 a", "KDPM2AncestralDiscreteScheduler")],
)
@pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")
def test_with_all_their_noise_they_are_diffusers_own(name, scheduler, prediction):
    expected = theirs(scheduler, prediction, timestep_spacing="linspace")
    torch.testing.assert_close(run(name, prediction=prediction), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("noisy", "plain"), [("Euler a", "Euler"), ("DPM2 a", "DPM2"), ("DPM++ SDE", "DPM++ 2S a")])
@pytest.mark.parametrize("schedule", ["diffusers Uniform", "Karras"])
def test_without_noise_they_are_the_samplers_beneath(noisy, plain, schedule):
    without = run(noisy, eta=0.0, schedule=schedule)
    expected = run(plain, schedule=schedule, eta=0.0 if plain in WITH_ETA else None)
    torch.testing.assert_close(without, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", WITH_ETA)
def test_eta_changes_the_picture_and_its_own_value_does_not(name):
    own = find_sampler(name).eta
    schedule = find_sampler(name).row.schedules[0]
    assert torch.equal(run(name, schedule=schedule), run(name, schedule=schedule, eta=own))
    assert not torch.allclose(run(name, schedule=schedule), run(name, schedule=schedule, eta=0.7))


def test_a_sampler_without_eta_refuses_it_and_names_those_that_take_it():
    with pytest.raises(RequestError, match=r"UniPC takes no eta.*Euler a"):
        find_sampler("UniPC", eta=0.5)


def test_both_halves_of_an_sde_step_draw_from_one_path():
    """A model that sees no noise keeps what it is given, so the step leaves (1 - down/now) u1 n1 + u2 n2 of its noise.

    The noise of the whole step holds that of its first half: their correlation is the root of the half's share.
    """
    sources, nothing = [NoiseSource(3)], torch.zeros(1, 1, 256, 256)
    first = next(
        sample(
            lambda x, t, i: torch.zeros_like(x),
            nothing,
            find_sampler("DPM++ SDE", "diffusers Uniform"),
            TRAINED,
            4,
            sources,
        )
    )
    now, to = ((1 - SIGNAL) / SIGNAL).sqrt()[torch.tensor([999, 666])].tolist()
    half = math.sqrt(now * to)
    (_, up_half), (down, up) = ancestral_levels(now, half, 1.0), ancestral_levels(now, to, 1.0)
    one, other = (1 - down / now) * up_half, up
    correlation = math.sqrt((now - half) / (now - to))
    expected = one**2 + other**2 + 2 * correlation * one * other
    assert first.latents.var().item() == pytest.approx(expected, rel=0.02)
