"""What a file says of its noise, by its keys, its tensors and its metadata; and that such models draw."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from lora_mixer.errors import ModelError
from lora_mixer.families import SD1, SD2, SDXL, SDXL_REFINER
from lora_mixer.models import open_model, save_folder
from lora_mixer.models.denoiser import PictureSize
from lora_mixer.models.model import Model
from lora_mixer.models.schedule import noise_schedule
from lora_mixer.models.unet import size_ids
from lora_mixer.request import ModelSource
from lora_mixer.sampling import NoiseSource, find_sampler, sample, starting_noise
from tests.support.checkpoints import write

VELOCITY = f"model.diffusion_model.{SD2.velocity_test.key}"
MEAN, STD = [-1.6574, 1.886, -1.383, 2.5155], [8.4927, 5.9022, 6.5498, 5.2299]
COSXL = {"edm_vpred.sigma_max": torch.tensor(120.0), "edm_vpred.sigma_min": torch.tensor(0.002)}
PLAYGROUND = {"edm_mean": torch.tensor(MEAN).view(1, 4, 1, 1), "edm_std": torch.tensor(STD).view(1, 4, 1, 1)}


def opened(path: Path) -> Model:
    return open_model(ModelSource(name="m", location=str(path)), device="cpu", dtype="float32")


def predicted(
    model: Model, latents: Tensor, timestep: Tensor, step: int, ids: Sequence[float] = (64, 64, 0, 0, 64, 64)
):
    """The UNet's output for some text of its widths."""
    settings = model.denoiser.network.config
    pooled = settings["projection_class_embeddings_input_dim"] - len(ids) * settings["addition_time_embed_dim"]
    return model.denoiser.network(
        latents,
        timestep,
        encoder_hidden_states=torch.ones(1, 77, settings["cross_attention_dim"]),
        added_cond_kwargs={"text_embeds": torch.ones(1, pooled), "time_ids": torch.tensor([ids])},
    ).sample


@pytest.mark.parametrize(
    ("deviation", "metadata", "prediction"),
    [
        (0.05, {}, "epsilon"),
        (0.12, {}, "v_prediction"),
        (0.12, {"modelspec.prediction_type": "epsilon"}, "epsilon"),
        (0.05, {"modelspec.prediction_type": "v"}, "v_prediction"),
        (0.05, {"ss_v_parameterization": "True"}, "v_prediction"),
    ],
)
def test_an_sd_2_base_model_is_told_from_one_of_velocity_by_a_bias(deviation, metadata, prediction):
    bias = torch.randn(4096, generator=torch.Generator().manual_seed(0)) * deviation
    told = noise_schedule(SD2, {VELOCITY: bias}, metadata)
    assert told["prediction_type"] == prediction


def test_the_bias_says_nothing_of_other_families():
    bias = torch.randn(4096, generator=torch.Generator().manual_seed(0))
    assert noise_schedule(SD1, {VELOCITY: bias}, {})["prediction_type"] == "epsilon"


@pytest.mark.parametrize("metadata", [{"ztsnr": "true"}, {"ss_zero_terminal_snr": "True"}, {"ztsnr": "1"}])
def test_zero_terminal_snr_is_told_by_metadata_alone(metadata):
    told = noise_schedule(SDXL, {}, metadata)
    assert told["rescale_betas_zero_snr"]
    assert told["timestep_spacing"] == "trailing"
    assert "rescale_betas_zero_snr" not in noise_schedule(SDXL, {}, {"ztsnr": "False"})


def test_impossible_levels_are_refused():
    with pytest.raises(ModelError, match="its noise goes from"):
        noise_schedule(SDXL, {"edm_vpred.sigma_max": torch.tensor(-1.0)}, {}, "m.safetensors")


@pytest.fixture(scope="module")
def sdxl() -> dict[str, torch.Tensor]:
    return dict(write(SDXL, words=49408).tensors)


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (COSXL, {"sigma_max": 120.0, "sigma_data": 1.0, "prediction_type": "v_prediction"}),
        (PLAYGROUND, {"sigma_max": 80.0, "sigma_data": 0.5, "prediction_type": "epsilon"}),
    ],
    ids=["CosXL", "Playground"],
)
def test_models_of_continuous_noise_open_draw_and_are_saved_as_such(sdxl, marks, expected, tmp_path: Path):
    save_file(sdxl | marks, tmp_path / "m.safetensors")
    model = opened(tmp_path / "m.safetensors")
    assert expected.items() <= dict(model.scheduler_config).items()
    denoise = partial(predicted, model)
    sources = [NoiseSource(1)]
    start = starting_noise(sources, (4, 8, 8))
    with torch.inference_mode():
        *_, last = sample(denoise, start, find_sampler("DPM++ 2M"), model.scheduler_config, 2, sources, tuned="sdxl")
    assert last.latents.isfinite().all()
    save_folder(model, tmp_path / "folder", dtype=torch.float32)
    again = opened(tmp_path / "folder")
    assert expected.items() <= dict(again.scheduler_config).items()
    assert again.vae.config.get("latents_std") == model.vae.config.get("latents_std")
    said = json.loads((tmp_path / "folder" / "scheduler" / "scheduler_config.json").read_text())
    assert said["_class_name"].startswith("EDM")


def test_playgrounds_latents_are_apart_by_channel(sdxl, tmp_path: Path):
    save_file(sdxl | PLAYGROUND, tmp_path / "m.safetensors")
    save_file(sdxl, tmp_path / "plain.safetensors")
    own, plain = (opened(tmp_path / name) for name in ("m.safetensors", "plain.safetensors"))
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    apart = latents * torch.tensor(STD).view(1, 4, 1, 1) / 0.5 + torch.tensor(MEAN).view(1, 4, 1, 1)
    expected = plain.decode(apart * plain.vae.config["scaling_factor"])
    assert (own.decode(latents).int() - expected.int()).abs().max() <= 1
    picture = torch.randint(0, 255, (1, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    back = own.encode(picture) * torch.tensor(STD).view(1, 4, 1, 1) / 0.5 + torch.tensor(MEAN).view(1, 4, 1, 1)
    torch.testing.assert_close(back, plain.encode(picture) / plain.vae.config["scaling_factor"], rtol=1e-4, atol=1e-4)


def test_an_sdxl_refiner_is_told_how_fair_its_picture_shall_be(tmp_path: Path):
    """It is told two sizes and a score, where SDXL is told three sizes; three were a RuntimeError."""
    save_file(write(SDXL_REFINER).tensors, tmp_path / "m.safetensors")
    model = opened(tmp_path / "m.safetensors")
    towards, away = (PictureSize(height=72, width=64, negative=negative) for negative in (False, True))
    told = model.denoiser.told
    assert size_ids(told, towards) == [72, 64, 0, 0, 6.0]
    assert size_ids(told, away) == [72, 64, 0, 0, 2.5]
    assert size_ids(SDXL.sizes, away) == [72, 64, 0, 0, 72, 64]
    with torch.inference_mode():
        output = predicted(model, torch.randn(1, 4, 8, 8), torch.tensor(500.0), 0, size_ids(told, away))
    assert output.isfinite().all()
