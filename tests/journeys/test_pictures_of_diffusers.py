"""Whole pictures, text to pixels, against diffusers' own pipelines: same seed, sampler and prompt, no LoRA, float32."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from lora_mixer import Mixer, RenderRequest
from lora_mixer.blend import MergeEngine, SideEngine
from lora_mixer.catalog import Library
from lora_mixer.families import SDXL
from lora_mixer.mixer.adapter_cache import AdapterCache
from lora_mixer.mixer.completing import settings_of
from lora_mixer.mixer.measuring import Measuring
from lora_mixer.mixer.resolve import job_of
from lora_mixer.models import Model
from lora_mixer.models.unet import UNetDenoiser
from lora_mixer.pipeline import Calibrations, LoadedModel, RenderedImage, TextCache, render

TRAINED = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "timestep_spacing": "trailing",
    "steps_offset": 1,
}
SAMPLERS = [
    ("Euler", "EulerDiscreteScheduler", {}),
    ("Euler a", "EulerAncestralDiscreteScheduler", {}),
    ("DPM++ 2M", "DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    ("DDIM", "DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": False}),
]
WISH = RenderRequest(prompt="red heart", negative="blurry", seed=11, steps=4, cfg=5.0, upscale=1, schedule="Trailing")


def scheduler(name: str, options: dict[str, object], model: Model) -> object:
    known = {key: model.scheduler_config[key] for key in ("beta_start", "beta_end", "beta_schedule", "prediction_type")}
    return getattr(diffusers, name)(**TRAINED | known, **options)


def farthest(ours: RenderedImage, theirs: np.ndarray) -> int:
    return int(np.abs(np.asarray(ours.image).astype(int) - np.round(theirs[0] * 255).astype(int)).max())


def drawn_by(
    pipe: diffusers.DiffusionPipeline, wish: RenderRequest, size: tuple[int, int], **options: object
) -> np.ndarray:
    pipe.set_progress_bar_config(disable=True)
    picture: np.ndarray = pipe(
        wish.prompt,
        negative_prompt=wish.negative,
        guidance_scale=wish.cfg,
        guidance_rescale=wish.cfg_rescale or 0.0,
        num_inference_steps=wish.steps,
        width=size[0],
        height=size[1],
        generator=torch.Generator().manual_seed(wish.seed or 0),
        output_type="np",
        **options,
    ).images
    return picture


@pytest.mark.parametrize("rescale", [0.0, 0.7])
@pytest.mark.parametrize(("name", "their_name", "options"), SAMPLERS)
@pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")
def test_on_the_embedded_model(mixer: Mixer, name, their_name, options, rescale):
    model = mixer.model
    wish = replace(WISH, sampler=name, cfg_rescale=rescale)
    pipe = diffusers.StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.parts["te1"],
        tokenizer=model.tokenizers["te1"],
        unet=model.denoiser.network,
        scheduler=scheduler(their_name, options, model),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    assert farthest(mixer.render(wish), drawn_by(pipe, wish, mixer.native_size)) <= 1


@pytest.fixture(scope="module")
def sdxl(mixer: Mixer) -> Model:
    """A tiny SDXL of random weights: two text encoders, pooled text and time ids, at true layout."""
    torch.manual_seed(0)
    first = mixer.model.tokenizers["te1"]
    second = CLIPTokenizer.from_pretrained(first.name_or_path, local_files_only=True, pad_token="<|endoftext|>")
    second.pad_token_id = 0
    text = {
        "vocab_size": len(first),
        "hidden_size": 32,
        "intermediate_size": 37,
        "num_attention_heads": 4,
        "num_hidden_layers": 5,
        "bos_token_id": first.bos_token_id,
        "eos_token_id": first.eos_token_id,
        "projection_dim": 32,
    }
    unet = diffusers.UNet2DConditionModel(
        sample_size=16,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=6 * 8 + 32,
        cross_attention_dim=64,
        norm_num_groups=8,
    )
    vae = diffusers.AutoencoderKL(
        block_out_channels=(16, 16, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=8,
    )
    encoders = {
        "te1": CLIPTextModel(CLIPTextConfig(**text)),
        "te2": CLIPTextModelWithProjection(CLIPTextConfig(**text, hidden_act="gelu")),
    }
    for network in (unet, vae, *encoders.values()):
        network.eval().requires_grad_(requires_grad=False)
    return Model(
        name="tiny-sdxl",
        family=SDXL,
        denoiser=UNetDenoiser(network=unet, told=SDXL.sizes),
        text_encoders=encoders,
        vae=vae,
        tokenizers={"te1": first, "te2": second},
        scheduler_config={**TRAINED, "prediction_type": "epsilon"},
        files=(Path(__file__),),
    )


@pytest.mark.parametrize(("name", "their_name", "options"), SAMPLERS[:3])
@pytest.mark.parametrize("size", [(128, 128), (96, 128)])
@pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")
def test_on_a_tiny_sdxl(sdxl: Model, name, their_name, options, size):
    wish = replace(WISH, sampler=name, width=size[0], height=size[1])
    merged = MergeEngine(sdxl)
    loaded = LoadedModel(model=sdxl, merged=merged, side=SideEngine(sdxl), texts=TextCache(sdxl, merged, {}))
    settings = settings_of(wish, model=sdxl.name, native_size=sdxl.native_size, emphasis="no norm")
    job = job_of(
        settings,
        Measuring(adapters=AdapterCache(Library(()), sdxl.index), loaded=loaded, calibrations=Calibrations(loaded)),
    )
    *_, ours = render(loaded, [job])
    assert isinstance(ours, RenderedImage)
    pipe = diffusers.StableDiffusionXLPipeline(
        vae=sdxl.vae,
        text_encoder=sdxl.parts["te1"],
        text_encoder_2=sdxl.parts["te2"],
        tokenizer=sdxl.tokenizers["te1"],
        tokenizer_2=sdxl.tokenizers["te2"],
        unet=sdxl.denoiser.network,
        scheduler=scheduler(their_name, options, sdxl),
        add_watermarker=False,
    )
    assert farthest(ours, drawn_by(pipe, wish, size)) <= 1
    assert np.asarray(ours.image).std() > 5, "a picture of nothing would be equal too"
