"""Places that are found by words: probe, masks in the record, and the same picture again."""

from __future__ import annotations

import numpy as np
import pytest

from lora_mixer import Cancel, Mixer, Region, RenderRequest
from lora_mixer.errors import CancelledError, RequestError
from lora_mixer.images import RenderRecord
from lora_mixer.images.drawn_masks import pixels_of
from lora_mixer.mixer import rerender
from lora_mixer.pipeline.readings import HUSHED

SMALL = {"width": 64, "height": 64, "steps": 3, "seed": 7}
PETS = "a red heart and a cat"
TWO = (
    Region(mask="auto", words="red heart", loras={"night_sky": 1}),
    Region(mask="auto", words="cat", loras={"line_art": 1}),
)


def test_places_are_found_without_loras_and_stand_in_the_record(mixer: Mixer) -> None:
    before = mixer.model.checksum()
    picture = mixer.render(PETS, regions=TWO, **SMALL)
    record = picture.record
    assert mixer.model.checksum() == before
    assert set(record.places) == {"red heart", "cat"}
    assert record.engine == "side"
    assert any("probe of 1 step" in note for note in record.notes)
    masks = [np.asarray(pixels_of(mask).convert("L")) for mask in record.places.values()]
    assert int((np.minimum(*masks)).max()) == 0  # they do not overlap
    assert RenderRecord.from_json(record.to_json()) == record
    again = rerender(mixer, record)
    assert np.array_equal(np.asarray(again.image), np.asarray(picture.image))
    assert again.record.places == record.places


def test_the_masks_of_a_record_may_be_edited_and_given_back(mixer: Mixer) -> None:
    found = mixer.render(PETS, regions=TWO, **SMALL)
    drawn = [Region(mask=found.record.places[one.words], words=one.words, loras=one.loras) for one in TWO]
    given = mixer.render(PETS, regions=drawn, **SMALL)
    assert np.array_equal(np.asarray(given.image), np.asarray(found.image))
    assert not given.record.places


def test_words_are_hardly_heard_in_the_places_of_others(mixer: Mixer) -> None:
    left, right = Region(mask=(0, 0, 0.5, 1), words="red heart"), Region(mask=(0.5, 0, 1, 1), words="cat")
    job = mixer.resolve(PETS, regions=[left, right], **SMALL)
    text = job.passes[0].segments[0].positive[0]
    maps = {words: share.mask().at(1, 2)[0].tolist() for words, share in text.hushed}
    assert maps == {"red heart": [0.0, 1.0], "cat": [1.0, 0.0]}
    assert not job.passes[0].segments[0].negative[0].hushed
    assert HUSHED < 0
    plain, hushed = (mixer.render(PETS, regions=r, **SMALL).image for r in ((), (left, right)))
    assert not np.array_equal(np.asarray(plain), np.asarray(hushed))


def test_positions_are_those_of_the_words_tokens(mixer: Mixer) -> None:
    texts = mixer.resolve(PETS, **SMALL)
    (text,) = texts.passes[0].segments[0].positive
    cache = mixer.cache.take(texts.source).loaded.texts
    # begin, a, red, heart, and, a, cat
    assert cache.positions(text, "red heart") == (2, 3)
    assert cache.positions(text, "cat, red") == (6, 2)
    assert cache.positions(text, "dog") == ()


def test_loras_are_placed_by_their_trained_words(mixer: Mixer) -> None:
    prompt = "line art of a cat under a night sky <lora:line_art:0.8>"
    wish = RenderRequest(prompt, loras={"night_sky": 0.7, "sepia": 0.3}, places="auto")
    job = mixer.resolve(wish, **SMALL)
    assert set(job.seeks) == {"line art", "night sky"}
    shares = {p.adapter.name: p.share is not None for p in job.passes[0].segments[0].positive[0].acting.placed}
    assert shares == {"line_art": True, "night_sky": True, "sepia": False}
    picture = mixer.render(wish, **SMALL)
    assert set(picture.record.places) == {"line art", "night sky"}
    assert np.array_equal(np.asarray(rerender(mixer, picture.record).image), np.asarray(picture.image))
    nowhere = mixer.render("cat", loras={"sepia": 0.3}, places="auto", **SMALL)
    plain = mixer.render("cat", loras={"sepia": 0.3}, **SMALL)
    assert np.array_equal(np.asarray(nowhere.image), np.asarray(plain.image))
    assert any("no places were sought" in note for note in nowhere.record.notes)


def test_a_batch_may_mix_places_that_are_sought_and_given(mixer: Mixer) -> None:
    wishes = [RenderRequest("sun"), RenderRequest(PETS, regions=TWO), RenderRequest("cat", loras={"sepia": 1})]
    batch = [np.asarray(p.image).astype(int) for p in mixer.render_many(wishes, batch=3, **SMALL)]
    alone = [np.asarray(mixer.render(wish, **SMALL).image).astype(int) for wish in wishes]
    assert max(np.abs(one - other).max() for one, other in zip(batch, alone, strict=True)) <= 2


def test_a_probe_can_be_cancelled_and_words_that_are_not_there_are_refused(mixer: Mixer) -> None:
    with pytest.raises(RequestError, match="the words 'dog'"):
        mixer.resolve(PETS, regions=[Region(mask="auto", words="dog")], **SMALL)
    cancel = Cancel()
    cancel.press()
    before = mixer.model.checksum()
    with pytest.raises(CancelledError):
        mixer.render(PETS, regions=TWO, cancel=cancel, **SMALL)
    assert mixer.model.checksum() == before
