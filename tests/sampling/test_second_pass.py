"""The second pass of hires fix: noise put on pictures and taken off again, by every sampler."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import diffusers
import numpy as np
import pytest
import torch
from torch import Tensor

import lora_mixer
from lora_mixer.choices import UPSCALERS, find_upscaler
from lora_mixer.choices.upscalers import UNSUPPORTED_UPSCALERS
from lora_mixer.errors import RequestError
from lora_mixer.models import Model, open_model
from lora_mixer.request import ModelSource
from lora_mixer.sampling import (
    SAMPLERS,
    NoiseSource,
    PictureStart,
    course_of,
    find_sampler,
    resample,
    upscale_latents,
    upscale_pictures,
)
from tests.support.normal_data import MEAN, TRAINED, WIDTH, exact

EMBEDDED = Path(next(iter(lora_mixer.__path__))) / "data" / "emoji" / "model"
CONSISTENCY = {"LCM", "TCD"}


def drawn_again(name: str, seeds: list[int], strength: float, steps: int, pictures: Tensor) -> list[Tensor]:
    sources = [NoiseSource(seed) for seed in seeds]
    start = PictureStart(pictures=pictures, steps=course_of(steps, strength))
    taken = resample(exact, start, find_sampler(name), TRAINED, steps, sources)
    return [step.latents for step in taken]


def pictures(count: int, side: int) -> Tensor:
    return MEAN + WIDTH * torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_what_the_model_knows_stays_what_it_knows(row):
    steps = drawn_again(row.name, [4], 0.6, 18, pictures(1, 64))
    assert len(steps) == 18
    assert steps[-1].mean() == pytest.approx(MEAN, abs=0.1)
    if row.name not in CONSISTENCY:
        assert steps[-1].std() == pytest.approx(WIDTH, rel=0.2)


@pytest.mark.parametrize("row", SAMPLERS, ids=lambda row: row.name)
def test_the_less_is_drawn_anew_the_more_of_the_picture_stays(row):
    before = pictures(1, 32)
    far, near = (drawn_again(row.name, [4], strength, 5, before)[-1] for strength in (0.8, 0.1))
    kept = [torch.corrcoef(torch.stack([after.flatten(), before.flatten()]))[0, 1].item() for after in (far, near)]
    assert kept[0] < kept[1]
    assert kept[1] > 0.8 or row.name in CONSISTENCY


@pytest.mark.parametrize("row", [row for row in SAMPLERS if not row.alone], ids=lambda row: row.name)
def test_a_picture_drawn_again_does_not_depend_on_its_neighbours(row):
    before = pictures(2, 8)
    together = drawn_again(row.name, [5, 6], 0.5, 4, before)[-1]
    alone = torch.cat(
        [drawn_again(row.name, [seed], 0.5, 4, before[at : at + 1])[-1] for at, seed in enumerate((5, 6))]
    )
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def model() -> Model:
    return open_model(ModelSource(name="emoji", location=str(EMBEDDED)), device="cpu", dtype="float32")


@pytest.mark.parametrize(
    ("name", "scheduler"),
    [
        ("DPM++ 2M", "DPMSolverMultistepScheduler"),
        ("Euler a", "EulerAncestralDiscreteScheduler"),
        ("Heun", "HeunDiscreteScheduler"),
    ],
)
@pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")
def test_pictures_drawn_again_are_those_of_diffusers_own_image_to_image(model, name, scheduler, monkeypatch):
    tokens = model.tokenizers["te1"](["red heart", ""], padding="max_length", return_tensors="pt").input_ids
    with torch.inference_mode():
        text, nothing = model.parts["te1"](tokens).last_hidden_state.chunk(2)
    start = torch.randn(1, model.latent_channels, 8, 8, generator=torch.Generator().manual_seed(2))
    trained = {key: model.scheduler_config[key] for key in TRAINED} | {
        "timestep_spacing": "trailing",
        "steps_offset": 1,
    }
    pipe = diffusers.StableDiffusionImg2ImgPipeline(
        vae=model.vae,
        text_encoder=model.parts["te1"],
        tokenizer=model.tokenizers["te1"],
        unet=model.denoiser.network,
        scheduler=getattr(diffusers, scheduler)(**trained),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    encoded = SimpleNamespace(latents=start / model.vae.config.scaling_factor)
    monkeypatch.setattr(
        model.vae, "encode", lambda _: encoded
    )  # latents of other than four channels it takes for a picture
    theirs = pipe(
        image=torch.zeros(1, 3, 64, 64),
        strength=0.5,
        prompt_embeds=text,
        negative_prompt_embeds=nothing,
        guidance_scale=5.0,
        num_inference_steps=6,
        generator=torch.Generator().manual_seed(11),
        output_type="latent",
    ).images

    def denoise(latents: Tensor, timestep: Tensor, step: int) -> Tensor:
        empty, full = model.denoiser.network(
            torch.cat([latents, latents]), timestep, torch.cat([nothing, text])
        ).sample.chunk(2)
        return empty + 5.0 * (full - empty)

    with torch.inference_mode():
        sampler = find_sampler(name, "Trailing")
        *_, last = resample(
            denoise, PictureStart(pictures=start, steps=6), sampler, model.scheduler_config, 3, [NoiseSource(11)]
        )
    torch.testing.assert_close(last.latents, theirs, rtol=1e-3, atol=1e-3)


def test_a_picture_encoded_and_decoded_is_nearly_itself(model):
    ramp = torch.linspace(64, 192, 64).round().to(torch.uint8)
    picture = ramp.view(1, 1, 64, 1).expand(1, 64, 64, 3).contiguous()
    latents = model.encode(picture)
    assert latents.shape == (1, model.latent_channels, 8, 8)
    assert torch.equal(latents, model.encode(picture))
    assert (model.decode(latents).float() - picture.float()).abs().mean() < 40


@pytest.mark.parametrize("upscaler", UPSCALERS, ids=lambda row: row.name)
def test_every_upscaler_gives_the_size_asked_for_and_keeps_what_is_flat(upscaler):
    if upscaler.network:
        pytest.skip("the model's own network needs a model")
    if upscaler.latent:
        large = upscale_latents(torch.full((2, 4, 8, 6), 0.5), upscaler, height=13, width=9)
        torch.testing.assert_close(large, torch.full((2, 4, 13, 9), 0.5))
    else:
        grey = torch.full((2, 8, 6, 3), 100, dtype=torch.uint8)
        assert np.array_equal(upscale_pictures(grey, upscaler, height=13, width=9), np.full((2, 13, 9, 3), 100))


@pytest.mark.parametrize("name", UNSUPPORTED_UPSCALERS)
def test_an_upscaler_that_is_a_network_is_refused_with_the_nearest(name):
    with pytest.raises(RequestError, match="Lanczos"):
        find_upscaler(name)
