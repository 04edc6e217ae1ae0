"""Laws: every sampler on every schedule ends finite, whatever the steps and the model; and converges to the truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lora_mixer.choices.schedules import SCHEDULES
from lora_mixer.sampling import SAMPLERS, NoiseSource, Sampler, SamplerRow, find_sampler, sample, starting_noise
from lora_mixer.sampling.levels import Levels, levels_of
from lora_mixer.sampling.multistep import ipndm, plms, res_multistep
from lora_mixer.sampling.noise_schedule import lay_out
from lora_mixer.sampling.schedulers import build_scheduler, lays_out_itself

TRAINED: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
}
MODELS: dict[str, dict[str, Any]] = {
    "eps": TRAINED,
    "v": {**TRAINED, "prediction_type": "v_prediction"},
    "ztsnr": {**TRAINED, "prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
    "edm": {"sigma_min": 0.002, "sigma_max": 80.0, "sigma_data": 0.5, "prediction_type": "epsilon"},
    "edm_v": {"sigma_min": 0.002, "sigma_max": 120.0, "sigma_data": 1.0, "prediction_type": "v_prediction"},
}
MEAN, WIDTH = 1.5, 0.5
PAIRS = [(row, schedule) for row in SAMPLERS for schedule in row.schedules]
ONCE = {"LCM", "TCD"}  # made for distilled models: the exact denoiser gives them the mean, not the spread
FEW, MANY = 8, 64


def exact(trained: dict[str, Any], levels: Levels) -> Callable[[Tensor, Tensor, int], Tensor]:
    """The output of a model that knows data which are normal with `MEAN` and `WIDTH`, in the model's own terms."""

    def denoise(latents: Tensor, timestep: Tensor, step: int) -> Tensor:
        data = trained.get("sigma_data")
        sigma = levels.at(min(float(timestep), 999.0)) if data is None else math.exp(4 * float(timestep))
        at = latents * math.sqrt(sigma**2 + (1 if data is None else data**2))
        picture = MEAN + WIDTH**2 / (WIDTH**2 + sigma**2) * (at - MEAN)
        whole = levels.picture(at, torch.ones_like(at), sigma) - levels.picture(at, torch.zeros_like(at), sigma)
        return (picture - levels.picture(at, torch.zeros_like(at), sigma)) / whole

    return denoise


def drawn(name: str, schedule: str, model: str, steps: int, side: int = 2, eta: float | None = None) -> Tensor:
    trained = MODELS[model]
    sources = [NoiseSource(4)]
    denoise, start = exact(trained, levels_of(trained)), starting_noise(sources, (1, side, side))
    *_, last = sample(denoise, start, find_sampler(name, schedule, eta), trained, steps, sources)
    return last.latents


@pytest.mark.parametrize("model", ["eps", "ztsnr", "edm"])
def test_every_schedule_of_every_sampler_falls_at_every_number_of_steps(model):
    """The product of schedules and 1 to 150 steps (of diffusers' own every seventh): levels fall, and none is missing."""
    trained = MODELS[model]
    levels, continuous = levels_of(trained), "sigma_data" in trained
    seen: set[tuple[object, ...]] = set()
    for row, schedule in PAIRS:
        own = (schedule, row.skips, row.stops and schedule == "DDIM")
        if own in seen or (continuous and SCHEDULES[schedule].spacing):
            continue
        seen.add(own)
        for steps in range(1, 151, 7 if SCHEDULES[schedule].spacing else 1):
            sigmas = np.array(lay_out(Sampler(row=row, schedule=schedule), trained, levels, steps).sigmas)
            assert np.isfinite(sigmas).all(), (own, steps)
            assert (np.diff(sigmas.astype(np.float32)) < 0).all(), (own, steps)
            assert len(sigmas) >= max(steps, 2), (own, steps)
            assert sigmas[-1] >= 0


def covering(row: SamplerRow) -> list[tuple[str, str, int]]:
    """Every schedule with two models and two numbers of steps each, in turn: over all rows every three of them meet."""
    models, counts = list(MODELS), (1, 2, 3, 6, 32)
    return [
        (
            schedule,
            models[(place + turn) % len(models)],
            counts[(place + place // len(models) + 2 * turn) % len(counts)],
        )
        for place, schedule in enumerate(row.schedules)
        for turn in range(2)
    ]


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_every_sampler_ends_finite(row):
    for schedule, model, steps in covering(row):
        if "edm" in model and SCHEDULES[schedule].spacing:
            continue
        latents = drawn(row.name, schedule, model, steps)
        assert latents.isfinite().all(), (schedule, model, steps)


@pytest.mark.parametrize(
    ("name", "schedule", "model", "steps"),
    [
        *(("DPM++ 2M", "diffusers Beta", "eps", steps) for steps in (32, 40, 150)),
        *((name, "diffusers Beta", "v", 40) for name in ("DPM++ 2M SDE", "UniPC", "SA-Solver", "DPM++ 2M SDE Heun")),
        *(("DPM++ 2M", "diffusers Karras", "ztsnr", steps) for steps in (25, 30, 33, 50, 60, 100)),
        *(("DPM++ 2M", "diffusers Exponential", "ztsnr", steps) for steps in (25, 33, 40)),
        ("UniPC", "diffusers Beta", "ztsnr", 4),
    ],
)
def test_two_steps_of_one_time_are_two_steps(name, schedule, model, steps):
    """diffusers rounds times; where the first two were equal it began with the second and ran over the end."""
    sampler, trained = find_sampler(name, schedule), MODELS[model]
    assert lays_out_itself(sampler, trained)
    assert len(build_scheduler(sampler, trained, steps, torch.device("cpu")).timesteps) == steps
    assert drawn(name, schedule, model, steps).isfinite().all()


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
@pytest.mark.parametrize("schedule", ["Karras", "SGM Uniform"])
def test_more_steps_bring_a_sampler_nearer_to_the_data(row, schedule):
    """The distance of mean and width from the data's, at 8 and at 64 steps; without end noise both would be 0."""
    if row.name in ONCE or schedule not in row.schedules:
        return
    eta = None if row.eta is None or row.noisy else row.eta
    far, near = (
        torch.tensor([latents.mean() - MEAN, latents.std() - WIDTH]).norm().item()
        for latents in (drawn(row.name, schedule, "eps", steps, side=96, eta=eta) for steps in (FEW, MANY))
    )
    assert near < max(0.6 * far, 0.09)
    assert near < 0.12


@pytest.mark.parametrize("schedule", ["Karras", "SGM Uniform"])
def test_dpmpp_3m_sde_does_not_get_worse_with_more_steps(schedule):
    """Without noise its end is known: the probability flow takes x to mean + (x - mean) w / sqrt(w^2 + sigma^2)."""
    trained, levels = TRAINED, levels_of(TRAINED)
    sigma = float(levels.table[-1])
    start = starting_noise([NoiseSource(4)], (1, 8, 8)) * sigma
    truth = MEAN + (start - MEAN) * WIDTH / math.sqrt(WIDTH**2 + sigma**2)
    errors = []
    for steps in (10, 20, 40, 80):
        sources = [NoiseSource(4)]
        sampler = find_sampler("DPM++ 3M SDE", schedule, 0.0)
        denoise, noise = exact(trained, levels), starting_noise(sources, (1, 8, 8))
        *_, last = sample(denoise, noise, sampler, trained, steps, sources)
        errors.append((last.latents - truth).abs().mean().item())
    assert all(after < max(0.6 * before, 0.002) for before, after in pairwise(errors))
    assert errors[-1] < 0.03


def test_res_multistep_is_exact_where_the_picture_is_straight_in_lambda():
    """An exponential integrator of second order: x' = e^-h x + int e^(u-h) D(u) du, with D = a + b lambda known."""
    a, b = 0.7, -0.3

    def straight(latents: Tensor, sigma: float) -> Tensor:
        return torch.full_like(latents, a - b * math.log(sigma))

    start, sigmas = torch.tensor([[3.0]]), [5.0, 3.0, 2.0, 1.2]
    *_, last = res_multistep(straight, start, sigmas, lambda now, to: torch.zeros(1, 1), eta=0.0)
    at = 3.0 * sigmas[1] / sigmas[0] + (1 - sigmas[1] / sigmas[0]) * float(straight(start, sigmas[0]))  # first order
    for now, to in pairwise(sigmas[1:]):
        h, left = math.log(now / to), -math.log(now)
        at = math.exp(-h) * at + (1 - math.exp(-h)) * (a + b * left) + b * (h - 1 + math.exp(-h))
    assert float(last.latents) == pytest.approx(at, rel=1e-5)


@pytest.mark.parametrize(("solver", "degree"), [(ipndm, 3), (plms, 3)])
def test_adams_bashforth_is_exact_for_slopes_that_are_cubic(solver, degree):
    """On even levels, after its first steps, a slope of third degree in sigma is integrated exactly."""
    sigmas = [10.0 - step for step in range(9)]
    primitive = [0.05, -0.2, 0.3, 1.0]

    def slope(sigma: float) -> float:
        return sum(c * sigma ** (degree - place) for place, c in enumerate(primitive))

    def straight(latents: Tensor, sigma: float) -> Tensor:
        return latents - sigma * slope(sigma)

    walked = list(solver(straight, torch.tensor([[2.0]]), sigmas, lambda now, to: torch.zeros(1, 1)))
    for before, after, now, to in zip(walked[3:], walked[4:], sigmas[4:], sigmas[5:], strict=False):
        whole = sum(
            c / (degree - place + 1) * (to ** (degree - place + 1) - now ** (degree - place + 1))
            for place, c in enumerate(primitive)
        )
        assert float(after.latents - before.latents) == pytest.approx(whole, rel=1e-3)
