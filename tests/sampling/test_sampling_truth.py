"""Samplers against what is known by other means: an exact solution, and diffusers' own pipeline."""

from __future__ import annotations

import math
from pathlib import Path

import diffusers
import pytest
import torch
from torch import Tensor

import lora_mixer
from lora_mixer.models import Model, open_model
from lora_mixer.request import ModelSource
from lora_mixer.sampling import SAMPLERS, NoiseSource, find_sampler, sample, starting_noise
from lora_mixer.sampling.levels import levels_of
from tests.support.normal_data import MEAN, SIGNAL, TRAINED, WIDTH, exact

EMBEDDED = Path(next(iter(lora_mixer.__path__))) / "data" / "emoji" / "model"
CONSISTENCY = {"LCM", "TCD"}  # made for distilled models: the exact denoiser gives them the mean, not the spread


def exact_v(latents: Tensor, timestep: Tensor, step: int) -> Tensor:
    signal = SIGNAL[timestep.long().clamp(0, 999)]
    noise = exact(latents, timestep, step)
    picture = (latents - (1 - signal).sqrt() * noise) / signal.sqrt()
    return signal.sqrt() * noise - (1 - signal).sqrt() * picture


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_every_sampler_draws_from_the_distribution_the_model_knows(row, prediction):
    sources = [NoiseSource(4)]
    denoise = exact if prediction == "epsilon" else exact_v
    config = {**TRAINED, "prediction_type": prediction}
    *_, last = sample(denoise, starting_noise(sources, (1, 64, 64)), find_sampler(row.name), config, 30, sources)
    assert last.latents.mean() == pytest.approx(MEAN, abs=0.1)
    assert last.predicted.mean() == pytest.approx(MEAN, abs=0.1)
    if row.name not in CONSISTENCY:
        assert last.latents.std() == pytest.approx(WIDTH, rel=0.2)


@pytest.mark.parametrize("schedule", ["Automatic", "Trailing"])
@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_a_model_that_starts_from_pure_noise_is_sampled_by_all(row, schedule):
    """Zero terminal SNR: the last level is all but infinite, and the model there says the picture, as a velocity."""
    if schedule not in (*row.schedules, "Automatic"):
        return
    config = {**TRAINED, "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    levels = levels_of(config)

    def denoise(latents: Tensor, timestep: Tensor, step: int) -> Tensor:
        sigma = levels.at(float(timestep))
        at = latents * math.sqrt(sigma**2 + 1)
        picture = MEAN + WIDTH**2 / (WIDTH**2 + sigma**2) * (at - MEAN)
        return ((at - picture) / sigma - sigma * picture) / math.sqrt(sigma**2 + 1)

    sources = [NoiseSource(4)]
    start = starting_noise(sources, (1, 32, 32))
    *_, last = sample(denoise, start, find_sampler(row.name, schedule), config, 30, sources)
    assert last.latents.mean() == pytest.approx(MEAN, abs=0.1)
    if row.name not in CONSISTENCY:
        assert last.latents.std() == pytest.approx(WIDTH, rel=0.25)


def test_a_subseed_moves_the_starting_noise_and_keeps_its_size():
    plain, other = (NoiseSource(seed).start((4, 32, 32)) for seed in (1, 2))
    assert torch.equal(NoiseSource(1, 2, 0.0).start((4, 32, 32)), plain)
    torch.testing.assert_close(NoiseSource(1, 2, 1.0).start((4, 32, 32)), other)
    assert NoiseSource(1, 2, 0.5).start((4, 32, 32)).std() == pytest.approx(1, abs=0.05)


@pytest.fixture(scope="module")
def model() -> Model:
    return open_model(ModelSource(name="emoji", location=str(EMBEDDED)), device="cpu", dtype="float32")


@pytest.mark.parametrize(
    ("name", "scheduler", "options"),
    [
        ("DPM++ 2M", "DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
        ("DPM++ 2M SDE", "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
        ("Euler a", "EulerAncestralDiscreteScheduler", {}),
        ("Heun", "HeunDiscreteScheduler", {}),
        ("DDIM", "DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": False}),
        ("UniPC", "UniPCMultistepScheduler", {}),
    ],
)
@pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")
def test_pictures_are_those_of_diffusers_own_pipeline(model, name, scheduler, options):
    tokens = model.tokenizers["te1"](["red heart", ""], padding="max_length", return_tensors="pt").input_ids
    text, nothing = model.parts["te1"](tokens).last_hidden_state.chunk(2)
    trained = {
        **{key: model.scheduler_config[key] for key in TRAINED},
        "timestep_spacing": "trailing",
        "steps_offset": 1,
    }
    pipe = diffusers.StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.parts["te1"],
        tokenizer=model.tokenizers["te1"],
        unet=model.denoiser.network,
        scheduler=getattr(diffusers, scheduler)(**trained, **options),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    width, height = model.native_size
    theirs = pipe(
        prompt_embeds=text,
        negative_prompt_embeds=nothing,
        guidance_scale=5.0,
        num_inference_steps=4,
        width=width,
        height=height,
        generator=torch.Generator().manual_seed(11),
        output_type="pt",
    ).images

    def denoise(latents: Tensor, timestep: Tensor, step: int) -> Tensor:
        both = model.denoiser.network(torch.cat([latents, latents]), timestep, torch.cat([nothing, text])).sample
        empty, full = both.chunk(2)
        return empty + 5.0 * (full - empty)

    sources = [NoiseSource(11)]
    shape = (model.latent_channels, height // model.latent_scale, width // model.latent_scale)
    with torch.inference_mode():
        steps = list(
            sample(
                denoise,
                starting_noise(sources, shape),
                find_sampler(name, "Trailing"),
                model.scheduler_config,
                4,
                sources,
            )
        )
    ours = model.decode(steps[-1].latents)
    expected = (theirs * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    assert (ours.int() - expected.int()).abs().max() <= 1
