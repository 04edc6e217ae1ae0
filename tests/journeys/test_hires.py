"""Hires fix on the embedded model: sizes, its own prompt and mix, and what the record says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lora_mixer import Hires, LoraUse, Mixer, RenderRequest, Strength
from lora_mixer.errors import LoraMixerError
from lora_mixer.images import infotext, read_picture, save_picture
from lora_mixer.images.infotext import parse_infotext
from lora_mixer.images.request_of import request_of
from lora_mixer.mixer import rerender

SMALL = RenderRequest(prompt="red heart", seed=3, steps=2, cfg=5.0, width=64, height=64, upscale=1, sampler="Euler a")
HIRES = Hires(scale=1.5, steps=2, denoise=0.6)


def drawn(mixer: Mixer, hires: Hires | None, **changes: object) -> np.ndarray:
    return np.asarray(mixer.render(replace(SMALL, hires=hires, **changes)).image).astype(int)


def test_the_picture_has_the_size_of_the_second_pass(mixer: Mixer) -> None:
    assert drawn(mixer, HIRES).shape == (96, 96, 3)
    assert drawn(mixer, replace(HIRES, scale=None, width=128)).shape == (128, 128, 3)
    assert drawn(mixer, replace(HIRES, scale=None, width=96, height=64)).shape == (64, 96, 3)


@pytest.mark.parametrize("upscaler", ["Latent (bicubic antialiased)", "Lanczos"])
def test_a_picture_of_two_passes_does_not_depend_on_its_neighbours(mixer: Mixer, upscaler: str) -> None:
    wish = replace(SMALL, hires=replace(HIRES, upscaler=upscaler))
    three = [replace(wish, seed=seed) for seed in (3, 4, 5)]
    together = [np.asarray(picture.image).astype(int) for picture in mixer.render_many(three, batch=3)]
    alone = [np.asarray(mixer.render(one).image).astype(int) for one in three]
    assert max(np.abs(a - b).max() for a, b in zip(together, alone, strict=True)) <= 1


def test_rerender_gives_the_same_pixels_from_the_file_alone(mixer: Mixer, tmp_path: Path) -> None:
    own = replace(HIRES, sampler="DPM++ 2M", cfg=4.0, upscaler="Lanczos", prompt="blue heart <lora:line_art:0.7>")
    wish = replace(SMALL, hires=own, loras=(LoraUse(name="night_sky", strength=Strength(0.5)),))
    picture = mixer.render(wish, subseed=9, subseed_strength=0.2)
    record = read_picture(save_picture(picture.image, picture.record, tmp_path / "x.png")).record
    assert record is not None
    assert record == picture.record
    assert sorted(adapter.name for adapter in record.adapters) == ["line_art", "night_sky"]
    assert np.array_equal(np.asarray(rerender(mixer, record).image), np.asarray(picture.image))


def test_the_first_pass_is_the_picture_without_hires_fix(mixer: Mixer) -> None:
    """So little drawn anew leaves the enlarged picture."""
    small = drawn(mixer, None)
    large = drawn(mixer, Hires(scale=2.0, steps=1, denoise=0.02, upscaler="Nearest"))
    shrunk = large.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < np.abs(shrunk - drawn(mixer, None, seed=4)).mean() * 0.8


def test_a_tag_says_how_its_lora_acts_in_the_second_pass(mixer: Mixer) -> None:
    told = drawn(mixer, HIRES, prompt="red heart <lora:line_art:0:hr=1>")
    meant = drawn(mixer, replace(HIRES, prompt="red heart <lora:line_art:1>"))
    assert np.array_equal(told, meant)
    assert not np.array_equal(told, drawn(mixer, HIRES))
    ended = drawn(mixer, HIRES, prompt="red heart <lora:line_art:1@0,0@1:hr=0@0,0@1>")
    assert np.array_equal(ended, drawn(mixer, HIRES, prompt="red heart <lora:line_art:1@0,0@1:hrunet=0:hrte=0>"))


def test_its_own_prompt_and_mix_act_in_the_second_pass_only(mixer: Mixer) -> None:
    plain = drawn(mixer, HIRES)
    assert np.array_equal(drawn(mixer, replace(HIRES, prompt="red heart")), plain)
    assert not np.array_equal(drawn(mixer, replace(HIRES, prompt="red heart <lora:line_art:1>")), plain)
    job = mixer.resolve(replace(SMALL, hires=replace(HIRES, prompt="red heart <lora:line_art:1>")))
    first, second = job.passes
    assert [
        len(condition.stack.placed) for condition in (*first.segments[0].positive, *second.segments[0].positive)
    ] == [0, 1]


def test_fractions_of_the_second_pass_run_from_one_to_two(mixer: Mixer) -> None:
    first, second = mixer.resolve(replace(SMALL, prompt="[red:blue:1.5] heart", hires=replace(HIRES, steps=4))).passes
    assert [(segment.start, segment.stop) for segment in first.segments] == [(0, 2)]
    assert [(segment.start, segment.stop) for segment in second.segments] == [(0, 2), (2, 4)]


def test_a_strength_over_the_steps_stays_where_it_ended(mixer: Mixer) -> None:
    job = mixer.resolve(replace(SMALL, prompt="red heart <lora:line_art:0@0,0.5@0.5,0.8@1>", hires=HIRES))
    (placed,) = job.passes[1].segments[0].positive[0].stack.placed
    assert (placed.strength.denoiser, placed.strength.curve) == (0.8, None)


def test_an_adapter_of_both_passes_stands_once_in_the_record(mixer: Mixer) -> None:
    job = mixer.resolve(replace(SMALL, prompt="red heart <lora:line_art:1:dyn=2>", hires=HIRES))
    assert [use.name for use in job.uses] == ["line_art"]


def test_the_infotext_says_it_as_a1111_does_and_is_read_back(mixer: Mixer) -> None:
    own = replace(HIRES, sampler="DPM++ 2M", schedule="Karras", cfg=4.0, prompt="blue heart", negative="bad, worse")
    record = mixer.render(replace(SMALL, hires=own)).record
    text = infotext(record)
    assert "Denoising strength: 0.6, RNG: CPU" in text
    assert (
        'Hires sampler: DPM++ 2M, Hires prompt: blue heart, Hires negative prompt: "bad, worse", Hires CFG Scale: 4, '
        "Hires schedule type: Karras, Hires upscale: 1.5, Hires steps: 2, Hires upscaler: Latent" in text
    )
    request, notes = request_of(parse_infotext(text))
    assert not notes
    assert request.hires == replace(own, upscaler="Latent")


@pytest.mark.parametrize(
    ("text", "sides"),
    [("Hires resize: 0x96", (None, 96)), ("Hires resize: 96x0", (96, None)), ("Hires steps: 3", (None, None))],
)
def test_a_side_a1111_leaves_open_stays_open(text: str, sides: tuple[int | None, int | None]) -> None:
    request, _ = request_of(parse_infotext(f"x\nSteps: 3, Seed: 1, Size: 64x64, Denoising strength: 0.4, {text}"))
    assert request.hires is not None
    assert (request.hires.width, request.hires.height) == sides


def test_an_image_to_images_denoising_strength_is_no_second_pass() -> None:
    request, notes = request_of(parse_infotext("x\nSteps: 3, Seed: 1, Size: 64x64, Denoising strength: 0.4"))
    assert request.hires is None
    assert "it was drawn from another picture, which the text does not hold: give it as init" in notes


@pytest.mark.parametrize(
    ("hires", "said"),
    [
        (Hires(scale=2.0, width=96), "a scale and a size"),
        (Hires(width=100), "hires width 100 is not a multiple of 8"),
        (Hires(upscaler="R-ESRGAN 4x+"), "Lanczos"),
        (Hires(denoise=0.001, steps=20), "too many steps"),
        (Hires(denoise=1.5), "hires denoise 1.5 is out of range"),
        (Hires(scale=400.0), "hires scale 400 is out of range"),
        (Hires(sampler="Eulr"), "Did you mean Euler"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_step(mixer: Mixer, hires: Hires, said: str) -> None:
    with pytest.raises(LoraMixerError, match=said):
        mixer.resolve(replace(SMALL, hires=hires))
