"""The Python API on the embedded model: one picture, many pictures, each with its own mix."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import lora_mixer
from lora_mixer import Cancel, Curve, LoraUse, Mixer, Progress, RenderRequest, Strength
from lora_mixer.errors import CancelledError, PromptError, RequestError, UnknownAdapterError

STEPS = 4
TOLERANCE = 2  # of 255: what the order of float32 sums may change


def pixels(picture: lora_mixer.RenderedImage) -> np.ndarray:
    return np.asarray(picture.image).astype(int)


def mix(name: str, strength: float) -> tuple[LoraUse, ...]:
    return (LoraUse(name=name, strength=Strength(strength)),)


def test_the_same_request_twice_gives_the_same_pixels(mixer: Mixer) -> None:
    first = mixer.render("red heart", seed=7, steps=STEPS)
    assert np.array_equal(pixels(first), pixels(mixer.render("red heart", seed=7, steps=STEPS)))
    assert not np.array_equal(pixels(first), pixels(mixer.render("red heart", seed=8, steps=STEPS)))


def test_a_lora_at_strength_zero_changes_no_pixel_and_at_one_changes_many(mixer: Mixer) -> None:
    plain = pixels(mixer.render("cat", seed=7, steps=STEPS))
    assert np.array_equal(plain, pixels(mixer.render("cat", seed=7, steps=STEPS, loras=mix("night_sky", 0.0))))
    changed = pixels(mixer.render("cat", seed=7, steps=STEPS, loras=mix("night_sky", 1.0)))
    assert np.abs(plain - changed).mean() > 5


def test_a_tag_in_the_prompt_and_a_lora_of_the_request_are_the_same_wish(mixer: Mixer) -> None:
    tagged = mixer.render("cat <lora:line_art:0.75>", seed=7, steps=STEPS)
    assert np.array_equal(pixels(tagged), pixels(mixer.render("cat", seed=7, steps=STEPS, loras=mix("line_art", 0.75))))
    assert [(a.name, a.strength.denoiser) for a in tagged.record.adapters] == [("line_art", 0.75)]


def test_every_picture_of_a_mixed_batch_is_the_picture_it_would_be_alone(mixer: Mixer) -> None:
    requests = [
        RenderRequest(prompt="cat", seed=1),
        RenderRequest(prompt="red heart", seed=2, loras=mix("night_sky", 0.8)),
        RenderRequest(prompt="sun <lora:line_art:1>", seed=3, cfg=4.0, loras=mix("night_sky", -0.5)),
        RenderRequest(prompt="cat, blue background", negative="red", seed=4, loras=mix("top_hat", 0.6)),
    ]
    together = list(mixer.render_many(requests, batch=4, steps=STEPS))
    assert {picture.record.engine for picture in together} == {"side"}
    for request, picture in zip(requests, together, strict=True):
        alone = mixer.render(request, steps=STEPS)
        assert alone.record.engine == "merged"
        assert np.abs(pixels(picture) - pixels(alone)).max() <= TOLERANCE


def test_rendering_leaves_every_bit_of_the_model_as_it_was(mixer: Mixer) -> None:
    before = mixer.model.checksum()
    list(mixer.render_many(["cat <lora:line_art:1>", "sun <lora:night_sky:1>", "a"], steps=2, batch=2))
    with pytest.raises(RequestError):
        mixer.render("cat <lora:line_art:1>", sampler="no such sampler")
    assert mixer.model.checksum() == before


def test_cancel_stops_within_one_step_and_leaves_the_model_pristine(mixer: Mixer) -> None:
    before, cancel, heard = mixer.model.checksum(), Cancel(), []

    def after(progress: Progress) -> None:
        heard.append(progress.step)
        if progress.step == 2:
            cancel.press()

    with pytest.raises(CancelledError):
        mixer.render("cat <lora:line_art:1>", steps=50, on_progress=after, cancel=cancel)
    assert heard == [1, 2]
    assert mixer.model.checksum() == before


def test_progress_counts_pictures_and_steps_and_its_preview_is_a_picture(mixer: Mixer) -> None:
    heard: list[Progress] = []
    list(mixer.render_many(["cat", "sun", "car"], steps=2, upscale=1, batch=2, on_progress=heard.append))
    assert [(p.done, p.batch, p.step) for p in heard] == [(0, 2, 1), (0, 2, 2), (2, 1, 1), (2, 1, 2)]
    assert heard[-1].fraction == 1.0
    assert heard[0].preview().size == mixer.native_size


def test_an_unknown_lora_is_an_error_with_the_nearest_name(mixer: Mixer) -> None:
    with pytest.raises(UnknownAdapterError, match="night_sky"):
        mixer.render("cat <lora:nightsky:1>", steps=1)


def test_a_bad_tag_is_an_error_and_the_next_picture_has_no_leftover(mixer: Mixer) -> None:
    plain = pixels(mixer.render("cat", seed=7, steps=STEPS))
    mixer.render("cat <lora:night_sky:1>", seed=7, steps=STEPS)
    with pytest.raises(PromptError):
        mixer.render("cat <lora:night_sky:abc>", seed=7, steps=STEPS)
    assert np.array_equal(plain, pixels(mixer.render("cat", seed=7, steps=STEPS)))


def test_a_lora_scheduled_in_the_prompt_acts_only_while_its_schedule_says(mixer: Mixer) -> None:
    plain = pixels(mixer.render("cat", seed=7, steps=STEPS))
    whole = pixels(mixer.render("cat <lora:night_sky:1>", seed=7, steps=STEPS))
    half = pixels(mixer.render("cat [<lora:night_sky:1>::0.5]", seed=7, steps=STEPS))
    never = pixels(mixer.render("cat [<lora:night_sky:1>::0]", seed=7, steps=STEPS))
    assert np.array_equal(never, plain)
    assert np.abs(half - plain).mean() > 1
    assert np.abs(half - whole).mean() > 1


def test_a_negative_prompt_changes_the_picture(mixer: Mixer) -> None:
    plain = pixels(mixer.render("cat", negative="", seed=7, steps=STEPS))
    assert np.abs(plain - pixels(mixer.render("cat", negative="orange", seed=7, steps=STEPS))).mean() > 1


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, lora_mixer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_public_names_are_sorted_and_there() -> None:
    assert lora_mixer.__all__ == sorted(lora_mixer.__all__)
    assert all(getattr(lora_mixer, name) is not None for name in lora_mixer.__all__)


def test_an_embedding_named_in_the_negative_prompt_acts_and_is_in_the_record(mixer: Mixer) -> None:
    plain = pixels(mixer.render("cat", negative="", seed=7, steps=STEPS))
    picture = mixer.render("cat", negative="badpic", seed=7, steps=STEPS)
    assert [embedding.name for embedding in picture.record.embeddings] == ["badpic"]
    assert np.abs(plain - pixels(picture)).mean() > 0.5


def test_an_embedding_that_is_named_but_missing_is_said(mixer: Mixer) -> None:
    notes = mixer.render("cat", negative="EasyNegativeV2, blurry", seed=7, steps=1).record.notes
    assert len(notes) == 1
    assert "EasyNegativeV2" in notes[0]


def test_a_dynamic_prompt_is_drawn_by_the_seed_and_the_record_says_what_was_drawn(mixer: Mixer) -> None:
    prompts = {mixer.resolve("{red|blue|green} heart", seed=seed).settings.prompt for seed in range(20)}
    assert prompts == {"red heart", "blue heart", "green heart"}
    assert mixer.resolve("{red|blue} heart", seed=3).settings == mixer.resolve("{red|blue} heart", seed=3).settings


def test_block_weights_in_a_tag_act_on_their_blocks_alone(mixer: Mixer) -> None:
    whole = pixels(mixer.render("cat <lora:night_sky:1>", seed=7, steps=STEPS))
    none = pixels(mixer.render("cat <lora:night_sky:1:lbw=NONE>", seed=7, steps=STEPS))
    every = pixels(mixer.render("cat <lora:night_sky:1:lbw=ALL>", seed=7, steps=STEPS))
    inner = pixels(mixer.render("cat <lora:night_sky:1:lbw=INALL>", seed=7, steps=STEPS))
    plain = pixels(mixer.render("cat", seed=7, steps=STEPS))
    assert np.array_equal(every, whole)
    assert np.array_equal(none, plain)
    assert not np.array_equal(inner, whole)
    assert not np.array_equal(inner, plain)


def test_texts_of_unlike_lengths_share_a_batch_without_changing_each_other(mixer: Mixer) -> None:
    requests = [
        RenderRequest(prompt=" BREAK ".join(["cat"] * chunks), negative="dog", seed=chunks) for chunks in (2, 3, 5, 7)
    ]
    together = list(mixer.render_many(requests, batch=4, steps=2))
    for request, picture in zip(requests, together, strict=True):
        assert np.abs(pixels(picture) - pixels(mixer.render(request, steps=2))).max() <= TOLERANCE


def test_fewer_ranks_act_as_the_trainer_would_have_cut_them(mixer: Mixer) -> None:
    rank = max(rank for section in mixer.inspect("night_sky").sections for rank in section.ranks)
    whole = pixels(mixer.render("cat <lora:night_sky:1>", seed=7, steps=STEPS))
    assert np.array_equal(whole, pixels(mixer.render(f"cat <lora:night_sky:1:1:{rank}>", seed=7, steps=STEPS)))
    one = mixer.render("cat <lora:night_sky:1:dyn=1>", seed=7, steps=STEPS)
    assert not np.array_equal(whole, pixels(one))
    assert one.record.adapters[0].strength.rank == 1
    assert len(one.record.adapters[0].sha256) == 64


@pytest.mark.parametrize(
    "wish",
    [
        {"steps": 2.5},
        {"steps": "3"},
        {"seed": 1.5},
        {"cfg": "7"},
        {"width": 0},
        {"prompt": "half a smile \ud83d"},
        {"loras": ("line_art",)},
        {"loras": mix("line_art", float("nan"))},
        {"loras": (LoraUse(name="line_art", strength=Strength(blocks={"IN99": 0.0})),)},
        {"loras": (LoraUse(name="line_art", strength=Strength(curve=Curve(points=()))),)},
        {"loras": (LoraUse(name="line_art", strength=Strength(curve=Curve(points=((0.5, 1.0), (0.2, 0.0))))),)},
        {"loras": (LoraUse(name="line_art", strength=Strength(curve=Curve(points=((5.0, 1.0),)))),)},
    ],
)
def test_an_impossible_wish_is_refused_before_the_first_step(mixer: Mixer, wish: dict[str, Any]) -> None:
    heard: list[Progress] = []
    with pytest.raises(RequestError):
        mixer.render(RenderRequest(**{"prompt": "cat", "steps": 1} | wish), on_progress=heard.append)
    assert not heard


def test_one_prompt_is_not_taken_for_a_list_of_letters_nor_an_empty_batch_for_one(mixer: Mixer) -> None:
    with pytest.raises(RequestError):
        next(mixer.render_many("cat", steps=1))
    with pytest.raises(RequestError):
        next(mixer.render_many(["cat"], batch=0, steps=1))


def test_the_name_of_the_open_model_may_be_asked_for(mixer: Mixer) -> None:
    assert mixer.render("cat", steps=1, model=mixer.model.name).record.settings.model == mixer.model.name


def test_an_iterator_left_half_way_leaves_the_model_pristine_and_the_mixer_free(mixer: Mixer) -> None:
    before = mixer.model.checksum()
    pictures = mixer.render_many(["cat <lora:line_art:1>"] * 3, batch=1, steps=1)
    next(pictures)
    done: list[object] = []
    other = threading.Thread(target=lambda: done.append(mixer.render("sun", steps=1)))
    other.start()
    other.join(30)
    assert len(done) == 1
    pictures.close()
    assert mixer.model.checksum() == before


def test_threads_that_share_a_mixer_get_the_pictures_they_would_get_alone(mixer: Mixer) -> None:
    wishes = ["cat <lora:line_art:1>", "cat <lora:night_sky:1>"]
    alone = [pixels(mixer.render(wish, seed=7, steps=2)) for wish in wishes]
    with ThreadPoolExecutor(2) as cache:
        together = list(cache.map(lambda wish: pixels(mixer.render(wish, seed=7, steps=2)), wishes * 3))
    assert all(np.array_equal(alone[number % 2], picture) for number, picture in enumerate(together))
