"""Solvers and schedules against k-diffusion's own numbers, and against those of our first records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lora_mixer.choices.schedules import SAID_BEFORE
from lora_mixer.sampling import NoiseSource, find_sampler, sample, starting_noise
from lora_mixer.sampling.levels import levels_of
from lora_mixer.sampling.schedules import LAID_OUT
from lora_mixer.sampling.solvers import solver_of
from tests.support.normal_data import TRAINED

GOLDEN = Path(__file__).parents[1] / "golden" / "samplers"
KNOWN = json.loads((GOLDEN / "k_diffusion.json").read_text())
FIRST = json.loads((GOLDEN / "first_recipe.json").read_text())
LEVELS = levels_of(TRAINED)
LEAST, MOST = 0.0292, 14.6146
OURS = {
    "euler": "Euler",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "lms": "LMS",
    "dpmpp_2m": "DPM++ 2M",
    "euler_ancestral": "Euler a",
    "dpm_2_ancestral": "DPM2 a",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
}


def picture(latents: Tensor, sigma: float) -> Tensor:
    """The denoiser of `make_goldens.py`."""
    return torch.tanh(latents / (1 + sigma)) + 0.1 * latents.roll(1, -1) / (1 + sigma**2)


def path(sigma: float) -> Tensor:
    return torch.sin(torch.arange(8).view(1, 1, 2, 4) + 2.0 * torch.tensor(sigma))


def noise(now: float, to: float) -> Tensor:
    return (path(now) - path(to)) / max(abs(now - to), 1e-12) ** 0.5


def karras(steps: int) -> list[float]:
    most, least = MOST ** (1 / 7), LEAST ** (1 / 7)
    return [*((most + step / (steps - 1) * (least - most)) ** 7 for step in range(steps)), 0.0]


def taken_by_us(key: str) -> bool:
    """`DPM++ 2M SDE` is diffusers' class, which takes no eta: all of the noise, always."""
    name, _, *eta = key.split()
    return not (name.startswith("dpmpp_2m_sde") and eta != ["1.0"])


@pytest.mark.parametrize("key", [key for key in KNOWN["samples"] if taken_by_us(key)])
def test_a_solver_gives_k_diffusions_numbers(key):
    name, steps, *eta = key.split()
    takes = find_sampler(OURS[name]).row.eta is not None
    sampler = find_sampler(OURS[name], "Karras", float(eta[0]) if takes else None)
    start = torch.linspace(-1.5, 1.5, 8).view(1, 1, 2, 4) * MOST
    *_, last = solver_of(sampler, LEVELS)(picture, start, karras(int(steps)), noise)
    torch.testing.assert_close(last.latents.flatten(), torch.tensor(KNOWN["samples"][key]), rtol=1e-4, atol=1e-4)
    assert last.share == pytest.approx(1.0)


@pytest.mark.parametrize("key", KNOWN["sigmas"])
def test_a_schedule_gives_k_diffusions_levels(key):
    name, steps = key.rsplit(" ", 1)
    assert LAID_OUT[name](int(steps), LEVELS) == pytest.approx(KNOWN["sigmas"][key], rel=1e-5, abs=1e-7)


def test_times_between_trained_steps_are_k_diffusions():
    for sigma, time in KNOWN["times"]:
        assert LEVELS.time_of(sigma) == pytest.approx(time, abs=1e-2)


@pytest.mark.parametrize("key", [key for key in FIRST if not key.startswith("DPM++ 3M SDE")])
def test_what_was_drawn_by_the_first_recipe_is_drawn_again(key):
    """Latents as commit 4380ced drew them, by the names its records have."""
    name, schedule = key.split("|")

    def toy(latents: Tensor, timestep: Tensor, step: int) -> Tensor:
        return torch.tanh(latents) * 0.5 + 0.1 * latents.roll(1, -1) + timestep.float() * 1e-4

    sources = [NoiseSource(5), NoiseSource(6)]
    sampler = find_sampler(name, SAID_BEFORE[schedule])
    *_, last = sample(toy, starting_noise(sources, (4, 6, 5)), sampler, TRAINED, 6, sources)
    torch.testing.assert_close(last.latents.flatten()[:4], torch.tensor(FIRST[key]), rtol=1e-4, atol=1e-5)


def test_facts_of_a1111s_schedules():
    """Levels the issue of outsiders named: where A1111's DDIM begins, where its Uniform ends, and where DPM2 does."""
    assert LAID_OUT["DDIM"](30, LEVELS)[0] == pytest.approx(13.926, abs=1e-3)
    assert LAID_OUT["Uniform"](30, LEVELS)[-2] == pytest.approx(0.02917, abs=1e-4)
    assert LAID_OUT["SGM Uniform"](20, LEVELS)[1] != LAID_OUT["Simple"](20, LEVELS)[1]
    assert LAID_OUT["KL Optimal"](20, LEVELS)[-1] == pytest.approx(0.02917, abs=1e-4)
    sdxl = levels_of(TRAINED, tuned="sdxl")
    assert LAID_OUT["Align Your Steps"](11, sdxl)[1:3] == (6.315, 3.771)
    assert LAID_OUT["Align Your Steps"](11, LEVELS)[1:3] == (6.475, 3.861)
