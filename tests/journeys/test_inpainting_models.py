"""Inpainting checkpoints, whose denoiser is told the mask and the masked picture: opened, drawn with, against diffusers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from lora_mixer import Mixer, RenderRequest
from lora_mixer.errors import ModelError
from lora_mixer.families import SD1
from lora_mixer.models import open_model
from lora_mixer.request import ModelSource
from tests.journeys.test_image_to_image import NUMPY, SAMPLERS, by_diffusers, disc, latents, pipeline, pixels, scene
from tests.support.checkpoints import write
from tests.support.four_channels import CHANNELS, with_four_channels

WISH = RenderRequest("red heart", seed=11, steps=6, cfg=5.0, schedule="Trailing", denoise=0.7, mask_blur=0)


def with_channels(embedded: Path, folder: Path, channels: int) -> Path:
    """The embedded model with other input channels: what more of them bring is small and random, so that it still draws."""
    with_four_channels(embedded / "model", folder)
    config = json.loads((folder / "unet" / "config.json").read_text())
    (folder / "unet" / "config.json").write_text(json.dumps(config | {"in_channels": channels}))
    (weights,) = (folder / "unet").glob("*.safetensors")
    tensors = load_file(weights)
    first = tensors["conv_in.weight"]
    more = torch.randn(first.shape[0], channels - CHANNELS, 3, 3, generator=torch.Generator().manual_seed(0)) * 0.05
    save_file(tensors | {"conv_in.weight": torch.cat([first, more.to(first.dtype)], dim=1)}, weights)
    return folder


@pytest.fixture(scope="module")
def inpainter(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Mixer:
    folder = with_channels(embedded, tmp_path_factory.mktemp("models") / "inpainting", 9)
    return Mixer.open(str(folder), dtype="float32")


@pytest.mark.parametrize("denoise", [0.7, 1.0])
@pytest.mark.parametrize(("name", "their_name", "options"), [SAMPLERS[0], SAMPLERS[1], SAMPLERS[3]])
@NUMPY
def test_what_is_drawn_is_diffusers(inpainter: Mixer, name, their_name, options, denoise):
    wish = replace(WISH, sampler=name, init=scene(), mask=disc(), denoise=denoise)
    pipe = pipeline(inpainter, "StableDiffusionInpaintPipeline", their_name, options)
    seen = torch.from_numpy(np.asarray(disc()).copy() < 128).float().view(1, 1, 128, 128)
    masked = inpainter.model.encode(torch.from_numpy(np.array(scene())).unsqueeze(0), kept=seen)
    start = {"image": latents(inpainter, scene()), "masked_image_latents": masked, "mask_image": disc()}
    theirs = by_diffusers(pipe, wish, width=128, height=128, **start).astype(np.uint8)
    laid = pipe.image_processor.apply_overlay(disc(), scene(), diffusers.image_processor.Image.fromarray(theirs))
    assert np.abs(pixels(inpainter, wish) - np.asarray(laid).astype(int)).max() <= 1


@NUMPY
def test_what_the_encoder_is_told_of_the_masked_picture_is_what_diffusers_tells_it(inpainter: Mixer):
    processor = diffusers.image_processor.VaeImageProcessor(do_normalize=False, do_binarize=True)
    mask = processor.preprocess(disc().convert("L"), height=128, width=128)[:, :1]
    theirs = diffusers.image_processor.VaeImageProcessor().preprocess(scene(), height=128, width=128) * (mask < 0.5)
    vae = inpainter.model.vae
    with torch.inference_mode():
        wanted = vae.encode(theirs).latent_dist.mode() * vae.config.scaling_factor
    ours = inpainter.model.encode(torch.from_numpy(np.array(scene())).unsqueeze(0), kept=(mask < 0.5).float())
    torch.testing.assert_close(ours, wanted, rtol=1e-4, atol=1e-4)


def test_without_a_picture_all_is_masked(inpainter: Mixer):
    wish = replace(WISH, denoise=None, mask_blur=None, sampler="Euler")
    grey = scene().point(lambda _: 127)
    white = disc().point(lambda _: 255)
    plain = pixels(inpainter, wish)
    masked = pixels(inpainter, replace(wish, init=grey, mask=white, denoise=1.0, mask_blur=0))
    assert np.abs(plain - masked).max() <= 1
    assert np.abs(plain - pixels(inpainter, replace(wish, init=scene(), denoise=0.7))).mean() > 3


def test_neighbours_in_a_batch_are_told_their_own_masks(inpainter: Mixer):
    rows = [
        replace(WISH, init=scene(), mask=disc(), steps=3, cfg=3.0),
        replace(WISH, init=scene().rotate(90), mask=disc().rotate(90), steps=3, cfg=3.0, seed=5),
    ]
    together = [np.asarray(picture.image).astype(int) for picture in inpainter.render_many(rows, batch=2)]
    alone = [pixels(inpainter, row) for row in rows]
    assert max(np.abs(a - b).max() for a, b in zip(together, alone, strict=True)) <= 1


def test_a_lora_of_the_base_model_acts_on_it(inpainter: Mixer):
    wish = replace(WISH, init=scene(), mask=disc(), steps=3, cfg=1.0)
    assert not np.array_equal(pixels(inpainter, wish), pixels(inpainter, replace(wish, loras={"line_art": 1.0})))


def test_a_single_file_is_known_by_its_first_layer(tmp_path: Path):
    written = write(SD1)
    first = written.tensors["model.diffusion_model.input_blocks.0.0.weight"]
    wide = torch.cat([first, torch.zeros(first.shape[0], 5, 3, 3)], dim=1)
    save_file(written.tensors | {"model.diffusion_model.input_blocks.0.0.weight": wide}, tmp_path / "m.safetensors")
    model = open_model(ModelSource(name="m", location=str(tmp_path / "m.safetensors")), device="cpu", dtype="float32")
    assert model.family is SD1
    assert model.inpaints
    assert torch.equal(model.denoiser.network.conv_in.weight, wide)


def test_an_editing_model_is_refused_by_its_name(embedded: Path, tmp_path: Path):
    with pytest.raises(ModelError, match=r"editing model .8 input channels"):
        Mixer.open(str(with_channels(embedded, tmp_path / "editing", 8)))
