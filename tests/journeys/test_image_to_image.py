"""Image to image and inpainting, whole pictures, against diffusers' own pipelines: same seed, sampler, prompt, picture, mask.

diffusers draws a sample from what the encoder says; here its mean is taken, so theirs is given our latents. Then the noise
is the seed's first on both sides. It takes no latents but those of four channels.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from lora_mixer import Hires, Mixer, RenderRequest
from lora_mixer.errors import BrokenFileError, FileError, MissingFileError, RequestError
from lora_mixer.images.canvas import resized
from tests.support.four_channels import with_four_channels

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
    ("Heun", "HeunDiscreteScheduler", {}),
    ("DPM++ 2M", "DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    ("DDIM", "DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": False}),
]
WISH = RenderRequest("red heart", negative="blurry", seed=11, steps=6, cfg=5.0, schedule="Trailing", denoise=0.5)
NUMPY = pytest.mark.filterwarnings("ignore:__array_:DeprecationWarning")


def scene(width: int = 128, height: int = 128) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(
        np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], -1).astype(np.uint8)
    )


def disc(side: int = 128) -> Image.Image:
    y, x = np.mgrid[0:side, 0:side]
    return Image.fromarray(((x - 60) ** 2 + (y - 70) ** 2 < 41**2).astype(np.uint8) * 255)


def pipeline(mixer: Mixer, kind: str, name: str, options: dict[str, object]) -> diffusers.DiffusionPipeline:
    model = mixer.model
    known = {key: model.scheduler_config[key] for key in ("beta_start", "beta_end", "beta_schedule", "prediction_type")}
    pipe = getattr(diffusers, kind)(
        vae=model.vae,
        text_encoder=model.parts["te1"],
        tokenizer=model.tokenizers["te1"],
        unet=model.denoiser.network,
        scheduler=getattr(diffusers, name)(**TRAINED | known, **options),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def by_diffusers(pipe: diffusers.DiffusionPipeline, wish: RenderRequest, **given: object) -> np.ndarray:
    picture = pipe(
        wish.prompt,
        negative_prompt=wish.negative,
        guidance_scale=wish.cfg,
        num_inference_steps=wish.steps,
        strength=wish.denoise,
        generator=torch.Generator().manual_seed(wish.seed or 0),
        output_type="np",
        **given,
    ).images
    return np.round(picture[0] * 255).astype(int)


def latents(mixer: Mixer, picture: Image.Image) -> torch.Tensor:
    return mixer.model.encode(torch.from_numpy(np.array(picture)).unsqueeze(0))


def pixels(mixer: Mixer, wish: RenderRequest) -> np.ndarray:
    return np.asarray(mixer.render(wish).image).astype(int)


@pytest.fixture(scope="module")
def four(embedded: Path, tmp_path_factory: pytest.TempPathFactory) -> Mixer:
    folder = with_four_channels(embedded / "model", tmp_path_factory.mktemp("models") / "four")
    return Mixer.open(str(folder), dtype="float32")


@pytest.mark.parametrize(("name", "their_name", "options"), SAMPLERS)
@NUMPY
def test_a_picture_drawn_anew_is_that_of_diffusers(four: Mixer, name, their_name, options):
    wish = replace(WISH, sampler=name, init=scene())
    pipe = pipeline(four, "StableDiffusionImg2ImgPipeline", their_name, options)
    theirs = by_diffusers(pipe, wish, image=latents(four, scene()))
    assert np.abs(pixels(four, wish) - theirs).max() <= 1
    assert np.abs(theirs - np.asarray(scene())).mean() > 3, "nothing was drawn"


@pytest.mark.parametrize("denoise", [0.34, 0.7, 1.0])
@NUMPY
def test_as_many_steps_are_taken_as_diffusers_takes(four: Mixer, denoise):
    wish = replace(WISH, sampler="Euler", init=scene(), denoise=denoise)
    pipe = pipeline(four, "StableDiffusionImg2ImgPipeline", "EulerDiscreteScheduler", {})
    assert np.abs(pixels(four, wish) - by_diffusers(pipe, wish, image=latents(four, scene()))).max() <= 1


@pytest.mark.parametrize("denoise", [0.7, 1.0])
@pytest.mark.parametrize(("name", "their_name", "options"), SAMPLERS)
@NUMPY
def test_a_part_drawn_anew_is_that_of_diffusers(four: Mixer, name, their_name, options, denoise):
    wish = replace(WISH, sampler=name, init=scene(), mask=disc(), mask_blur=0, denoise=denoise)
    pipe = pipeline(four, "StableDiffusionInpaintPipeline", their_name, options)
    start = {"image": latents(four, scene()), "masked_image_latents": latents(four, scene()), "mask_image": disc()}
    theirs = by_diffusers(pipe, wish, width=128, height=128, **start)
    laid = pipe.image_processor.apply_overlay(disc(), scene(), Image.fromarray(theirs.astype(np.uint8)))
    ours, mask = pixels(four, wish), np.asarray(disc()) > 0
    assert np.abs(ours - np.asarray(laid).astype(int)).max() <= 1
    assert np.array_equal(ours[~mask], np.asarray(scene())[~mask])
    assert np.abs(ours - np.asarray(scene()))[mask].mean() > 3, "nothing was drawn"


def test_the_solvers_of_ours_keep_what_the_mask_keeps_and_draw_nearly_what_diffusers_classes_do(mixer: Mixer):
    """The same method, with the kept part put back in the predicted picture or after the step."""
    wish = replace(WISH, sampler="Euler", schedule="SGM Uniform", init=scene(), mask=disc(), mask_blur=0)
    ours, by_class = pixels(mixer, wish), pixels(mixer, replace(wish, schedule="Trailing"))
    assert np.abs(ours - by_class).mean() < 2


@pytest.mark.parametrize("mode", ["just resize", "crop and resize", "resize and fill"])
def test_another_shape_is_brought_to_the_size_before_anything_else(mixer: Mixer, mode):
    wide = scene(200, 100)
    wish = replace(WISH, init=wide, resize_mode=mode, width=128, height=128)
    assert np.array_equal(
        pixels(mixer, wish), pixels(mixer, replace(wish, init=resized(wide, mode, 128, 128), resize_mode=None))
    )


def test_only_the_part_around_the_mask_is_drawn_and_the_picture_keeps_its_size(mixer: Mixer):
    large, mask = scene(300, 200), Image.new("L", (300, 200))
    mask.paste(255, (200, 40, 240, 90))
    wish = replace(WISH, init=large, mask=mask, mask_blur=0, inpaint_area="only masked", inpaint_padding=16)
    drawn = mixer.render(wish)
    assert drawn.image.size == (300, 200)
    assert (drawn.record.settings.width, drawn.record.settings.height) == mixer.native_size
    changed = (np.asarray(drawn.image) != np.asarray(large)).any(-1)
    assert changed.any()
    assert not changed[np.asarray(mask) == 0].any()


@pytest.mark.parametrize(
    ("size", "drawn"), [((128, 128), (128, 128)), ((131, 90), (128, 88)), ((2000, 1000), (360, 176)), ((5, 5), (8, 8))]
)
def test_the_picture_says_the_size_unless_it_is_far_larger_than_the_model_knows(mixer: Mixer, size, drawn):
    job = mixer.resolve(replace(WISH, init=scene(*size)))
    assert (job.settings.width, job.settings.height) == drawn


def test_pictures_with_and_without_a_start_in_one_call_are_each_as_alone(mixer: Mixer):
    base = replace(WISH, denoise=None, steps=4, upscale=1)
    rows = [
        base,
        replace(base, init=scene(), denoise=0.5),
        replace(base, seed=5),
        replace(base, init=scene().rotate(90), denoise=0.5, seed=6),
        replace(base, init=scene(), mask=disc(), denoise=0.5),
        replace(base, init=scene(), mask=disc().rotate(90), denoise=0.5, seed=8, prompt="blue star"),
    ]
    together = [np.asarray(picture.image).astype(int) for picture in mixer.render_many(rows, batch=6)]
    alone = [pixels(mixer, row) for row in rows]
    assert max(np.abs(a - b).max() for a, b in zip(together, alone, strict=True)) <= 1
    assert all(np.abs(a - b).max() > 10 for a, b in pairwise(alone))


def test_a_path_and_the_picture_itself_are_one_and_the_same(mixer: Mixer, tmp_path: Path):
    scene().save(tmp_path / "scene.png")
    by_path, by_object, by_bytes = (
        mixer.render(replace(WISH, init=given))
        for given in (tmp_path / "scene.png", scene(), (tmp_path / "scene.png").read_bytes())
    )
    assert np.array_equal(np.asarray(by_path.image), np.asarray(by_object.image))
    assert np.array_equal(np.asarray(by_path.image), np.asarray(by_bytes.image))
    assert by_path.record.settings.init.sha256 == by_bytes.record.settings.init.sha256


def test_hires_fix_may_follow(mixer: Mixer):
    job = mixer.resolve(replace(WISH, init=scene(), hires=Hires(1.5, steps=2)))
    assert [one.settings.steps for one in job.passes] == [3, 2]
    assert mixer.render(replace(WISH, init=scene(64, 64), hires=Hires(1.5, steps=2))).image.size == (96, 96)


def test_the_noise_under_the_mask_is_the_seeds(mixer: Mixer):
    wish = replace(WISH, init=scene(), mask=disc(), denoise=0.9)
    drawn = {
        content: pixels(mixer, replace(wish, masked_content=content))
        for content in ("original", "fill", "latent noise", "latent nothing")
    }
    seen = [drawn[name] for name in drawn]
    assert all(not np.array_equal(one, other) for i, one in enumerate(seen) for other in seen[:i])


@pytest.mark.parametrize(
    ("wish", "error", "said"),
    [
        ({"mask": disc(), "init": None}, RequestError, "Give the picture as init"),
        ({"denoise": 0.1}, RequestError, "a denoise of 0.1 is not one of 6 steps"),
        ({"denoise": 1.5}, RequestError, "denoise 1.5 is out of range"),
        ({"resize_mode": "crop and resise"}, RequestError, "Did you mean crop and resize"),
        ({"mask": disc(), "hires": Hires(2)}, RequestError, "draw over what the mask keeps"),
        ({"mask": disc(), "masked_content": "latent nose"}, RequestError, "Did you mean latent noise"),
        ({"mask": Image.new("L", (128, 128))}, RequestError, "covers nothing"),
        ({"init": "/no/such/picture.png"}, MissingFileError, "input picture cannot be read"),
        ({"init": b"GIF89a"}, BrokenFileError, "not a readable picture"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_step(mixer: Mixer, wish, error, said):
    with pytest.raises(error, match=said):
        mixer.resolve(replace(WISH, **{"init": scene()} | wish))


@pytest.mark.parametrize("given", [3, [], object()])
def test_what_is_no_picture_is_refused_where_it_is_written(given):
    with pytest.raises(RequestError, match=r"init is .* not a path or a Pillow image"):
        RenderRequest("cat", init=given)


def test_a_picture_that_changes_after_the_job_was_made_is_noticed(mixer: Mixer, tmp_path: Path):
    path = tmp_path / "scene.png"
    scene().save(path)
    job = mixer.resolve(replace(WISH, init=path))
    scene().rotate(90).save(path)
    with pytest.raises(FileError, match="has changed"):
        mixer.render(job.settings.request())


def test_strangers_may_send_pictures_but_not_name_files(tmp_path: Path):
    scene().save(tmp_path / "scene.png")
    with Mixer.open("emoji", paths=False) as mixer:
        assert mixer.resolve(replace(WISH, init=scene())).settings.init.sha256
        for name in ("init", "mask"):
            with pytest.raises(RequestError, match="may not be named by path"):
                mixer.resolve(replace(WISH, **{"init": scene(), name: tmp_path / "scene.png"}))
