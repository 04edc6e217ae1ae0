"""Regions from request to pixels and back: laws on the embedded model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lora_mixer import Cancel, Hires, LoraUse, Mixer, Rectangle, Region, RenderRequest, Strength
from lora_mixer.errors import CancelledError, PromptError, RequestError
from lora_mixer.images import infotext, parse_infotext, read_picture
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.images.request_of import request_of
from lora_mixer.mixer import rerender
from lora_mixer.places import DrawnMask

LEFT, RIGHT, ALL = (0, 0, 0.5, 1), (0.5, 0, 1, 1), (0, 0, 1, 1)
SMALL = {"width": 64, "height": 64, "steps": 2, "seed": 7, "upscale": 1}
TWO = (Region("red heart", mask=LEFT, loras={"line_art": 0.8}), Region("a blue rocket", mask=RIGHT, feather=0.2))


def pixels(mixer: Mixer, prompt: str = "cat", **wish: object) -> np.ndarray:
    return np.asarray(mixer.render(prompt, **SMALL | wish).image).astype(int)


def test_each_region_shows_its_text(mixer: Mixer) -> None:
    wish = {"width": 128, "height": 128, "steps": 4}
    heart, rocket, cat = (pixels(mixer, text, **wish) for text in ("red heart", "a blue rocket", "cat"))
    both = pixels(mixer, regions=[Region("red heart", mask=LEFT), Region("a blue rocket", mask=RIGHT)], **wish)
    for half, shown, other in ((slice(0, 56), heart, rocket), (slice(72, 128), rocket, heart)):
        near, far, base = (np.abs(both[:, half] - one[:, half]).mean() for one in (shown, other, cat))
        assert near < 0.6 * far
        assert near < 0.6 * base


def test_a_region_of_everything_is_that_prompt_alone(mixer: Mixer) -> None:
    alone = pixels(mixer, "red heart", negative="blue", loras={"line_art": 0.8})
    region = Region("red heart", mask=ALL, negative="blue", loras={"line_art": 0.8})
    assert np.array_equal(pixels(mixer, regions=[region]), alone)
    tagged = replace(region, prompt="red heart<lora:line_art:0.8>", loras=())
    assert np.array_equal(pixels(mixer, regions=[tagged]), alone)


def test_regions_that_say_what_the_picture_says_change_nothing(mixer: Mixer) -> None:
    plain = pixels(mixer, negative="blue")
    same = [Region("cat", mask=LEFT, negative="blue"), Region("", mask=RIGHT, feather=0.3)]
    assert np.array_equal(pixels(mixer, negative="blue", regions=same), plain)


def test_a_region_of_weight_0_is_off(mixer: Mixer) -> None:
    off = Region("red heart", mask=LEFT, negative="x", loras={"night_sky": 1}, weight=0)
    assert np.array_equal(pixels(mixer, regions=[off]), pixels(mixer))
    less, more = (pixels(mixer, regions=[Region("red heart", mask=ALL, weight=w)]) for w in (0.3, 0.9))
    away = [np.abs(one - pixels(mixer)).mean() for one in (less, more)]
    assert 0 < away[0] < away[1]


def test_the_order_of_regions_changes_nothing(mixer: Mixer) -> None:
    assert np.array_equal(pixels(mixer, regions=TWO), pixels(mixer, regions=TWO[::-1]))


def test_a_lora_of_a_region_acts_there(mixer: Mixer) -> None:
    wish = {"width": 128, "height": 128}
    plain = pixels(mixer, **wish)
    changed = np.abs(pixels(mixer, regions=[Region(mask=LEFT, loras={"night_sky": 1})], **wish) - plain)
    assert changed[:, :64].mean() > 2 * changed[:, 64:].mean()


@pytest.mark.parametrize("method", ["sum", "ssr"])
def test_loras_of_a_region_are_balanced_with_the_picture_s_where_they_meet(mixer: Mixer, method: str) -> None:
    wish = {"loras": {"line_art": 1.0}, "balance": "block"}
    inside = Region("red heart", mask=LEFT, loras={"high_contrast": 0.9})
    both = mixer.balanced({"line_art": 1.0, "high_contrast": 0.9}).uses
    job = mixer.resolve("cat", regions=[inside, Region("sun", mask=RIGHT)], method=method, **wish, **SMALL)
    placed = job.passes[0].segments[0].positive[0].acting.placed
    left, right = (
        {
            (one.adapter.name, repr(one.strength))
            for one in placed
            if one.share is None or one.share.mask().at(1, 2)[0, side] > 0
        }
        for side in (0, 1)
    )
    assert {strength for _, strength in left} == {repr(use.strength) for use in both}
    assert {strength for _, strength in right} == {repr(Strength(1.0))}
    assert any("beside high_contrast of a region" in note for note in job.notes)


def test_a_balanced_region_of_everything_is_that_mix_alone(mixer: Mixer) -> None:
    region = Region("red heart", mask=ALL, loras={"high_contrast": 0.9})
    alone = pixels(mixer, "red heart", loras={"line_art": 1.0, "high_contrast": 0.9}, balance="block")
    assert np.array_equal(pixels(mixer, loras={"line_art": 1.0}, regions=[region], balance="block"), alone)
    apart = [Region("", mask=half, loras={name: 1.0}) for half, name in ((LEFT, "line_art"), (RIGHT, "high_contrast"))]
    assert np.array_equal(pixels(mixer, regions=apart, balance="block"), pixels(mixer, regions=apart))


def test_a_negative_text_of_a_region_steers_there(mixer: Mixer) -> None:
    wish = {"width": 128, "height": 128, "steps": 4}
    plain = pixels(mixer, **wish)
    changed = np.abs(pixels(mixer, regions=[Region(mask=RIGHT, negative="cat")], **wish) - plain)
    assert changed[:, 64:].mean() > 1.5 * changed[:, :64].mean() > 0


def test_pictures_with_regions_and_without_share_a_batch(mixer: Mixer) -> None:
    wishes = [RenderRequest("cat"), RenderRequest("cat", regions=TWO), RenderRequest("sun, a AND b")]
    batch = [np.asarray(p.image).astype(int) for p in mixer.render_many(wishes, batch=3, **SMALL)]
    for one, wish in zip(batch, wishes, strict=True):
        alone = pixels(mixer, wish.prompt, regions=wish.regions)
        assert np.abs(one - alone).max() <= 2


def test_the_first_pass_and_hires_fix_have_the_same_places(mixer: Mixer) -> None:
    job = mixer.resolve("cat", regions=TWO, hires=Hires(scale=1.5, steps=1), **SMALL)
    maps = []
    for one in job.passes:
        texts = one.segments[0].positive[0].texts
        assert len(texts) == 3  # the picture's own is read where the soft edge leaves room
        maps.append([text.share.mask().at(8, 8) for text in texts])
        assert one.segments[0].positive[0].acting.masked
    for first, second in zip(*maps, strict=True):
        assert float((first - second).abs().max()) < 0.15  # edges are drawn on finer cells
    assert pixels(mixer, regions=TWO, hires=Hires(scale=1.5, steps=1)).shape[:2] == (96, 96)


def test_places_are_cropped_as_hires_fix_crops_the_picture(mixer: Mixer) -> None:
    cut = {"width": 128, "height": 64, "steps": 1}  # 128 x 128, of which the middle half is kept
    first, second = "cat <region:0,0.25,0.5,0.5> red heart", "cat <region:0,0,0.5,1> red heart"
    tables = [Region("red heart", mask=(0, 0.25, 0.5, 0.75))]
    given_there = pixels(mixer, first, hires=Hires(**cut, prompt=second))
    assert given_there.shape[:2] == (64, 128)
    assert np.array_equal(pixels(mixer, first, hires=Hires(**cut)), given_there)
    assert np.array_equal(pixels(mixer, regions=tables, hires=Hires(**cut)), given_there)
    assert not np.array_equal(pixels(mixer, first, hires=Hires(**cut, prompt=first)), given_there)


def test_masks_of_loras_and_places_that_were_found_are_cropped_too(mixer: Mixer) -> None:
    cut = Hires(width=128, height=64, steps=1)
    gone, kept = (Rectangle(left=0, top=top, right=1, bottom=top + 0.25) for top in (0.0, 0.25))
    for mask, means in ((gone, (0.25, 0.0)), (kept, (0.25, 0.5))):
        job = mixer.resolve("cat", loras=[LoraUse("night_sky", Strength(1, mask=mask))], hires=cut, **SMALL)
        acting = [one.segments[0].positive[0].acting.placed[0].masks() for one in job.passes]
        assert tuple(mask.mean for (mask,) in acting) == pytest.approx(means)
    wish = Region("red heart", mask=(0, 0, 1, 0.25), loras={"night_sky": 1})
    found = replace(wish, mask=None, words="cat")
    for region in (wish, found):
        job = mixer.resolve("cat", regions=[region], hires=cut, **SMALL)
        if region.mask is None:
            job = mixer.placed_as(job, {"cat": _top_quarter()})
        assert job.passes[0].segments[0].positive[0].acting.masked
        assert len(job.passes[1].segments[0].positive[0].texts) == 1  # it lies in what is cut off
        assert not len(job.passes[1].segments[0].positive[0].acting)


def _top_quarter() -> DrawnMask:
    mask = Image.new("L", (4, 4))
    mask.paste(255, (0, 0, 4, 1))
    return drawn_mask(mask)


def test_schedules_and_curves_act_in_regions(mixer: Mixer) -> None:
    curved = LoraUse("night_sky", Strength(1.0, mask=Rectangle(left=0, top=0, right=1, bottom=0.5)))
    region = Region("[red:blue:1] heart <lora:line_art:1@0,0@1>", mask=LEFT, loras=[curved])
    job = mixer.resolve("cat", regions=[region], **SMALL)
    assert len(job.passes[0].segments) == 2
    assert not np.array_equal(pixels(mixer, regions=[region]), pixels(mixer))


def test_the_model_is_as_it_was_after_errors_and_cancels(mixer: Mixer) -> None:
    before = mixer.model.checksum()
    cancel = Cancel()
    with pytest.raises(CancelledError):
        mixer.render("cat", regions=TWO, cancel=cancel, on_progress=lambda _: cancel.press(), **SMALL)
    with pytest.raises(RequestError, match="knows no masks"):
        mixer.render("cat <lora:sepia:1>", regions=TWO, method="ties", **SMALL)
    assert mixer.model.checksum() == before


def test_a_picture_with_regions_is_rendered_again_from_its_file(mixer: Mixer, tmp_path: Path) -> None:
    Image.linear_gradient("L").save(tmp_path / "ramp.png")
    regions = (*TWO, Region("sun", mask=tmp_path / "ramp.png", weight=0.5))
    picture = mixer.render("cat", regions=regions, **SMALL)
    picture.save(tmp_path / "picture.png")
    (tmp_path / "ramp.png").unlink()
    record = read_picture(tmp_path / "picture.png").record
    told, notes = request_of(parse_infotext(infotext(picture.record)))
    assert (told.regions, told.prompt) == (picture.record.settings.regions, "cat")
    assert not [note for note in notes if "Regions" in note]
    assert record == picture.record
    assert np.array_equal(np.asarray(rerender(mixer, record).image), np.asarray(picture.image))


def test_regions_in_the_prompt_are_those_of_tables_and_loras_of_the_mix_stay_outside_of_them(mixer: Mixer) -> None:
    text = "cat <region:0,0,0.5,1> red heart <lora:line_art:0.8> <region:0.5,0,0.5,1,1,feather=0.2> a blue rocket"
    tables = (Region("red heart <lora:line_art:0.8>", mask=LEFT), TWO[1])
    written = mixer.render(text, loras={"sepia": 0.5}, **SMALL)
    tabled = mixer.render("cat", regions=tables, loras={"sepia": 0.5}, **SMALL)
    assert np.array_equal(np.asarray(written.image), np.asarray(tabled.image))
    line = infotext(written.record).partition("\n")[0]
    assert line.startswith("cat <lora:sepia:0.5> <region:0,0,0.5,1> red heart")
    assert np.array_equal(np.asarray(rerender(mixer, written.record).image), np.asarray(written.image))


def test_what_is_in_no_region_may_have_a_region_of_its_own(mixer: Mixer) -> None:
    rest = mixer.render("cat <region:0,0,0.5,1> red heart <region:background> sun", **SMALL)
    tabled = mixer.render("cat", regions=[Region("red heart", mask=LEFT), Region("sun", mask=RIGHT)], **SMALL)
    assert np.abs(np.asarray(rest.image).astype(int) - np.asarray(tabled.image)).max() <= 1


@pytest.mark.parametrize(
    ("region", "error", "said"),
    [
        (Region("a", mask=(0.5, 0, 0.2, 1)), RequestError, "no part of the picture"),
        (Region("a", mask=ALL, weight=2), RequestError, "weight of a region is 2"),
        (Region("a", mask=ALL, feather=-1), RequestError, "feather of a region is -1"),
        (Region("", mask="auto"), RequestError, "no words it could be found by"),
        (Region("<lroa:x:1>", mask=ALL), PromptError, "no tag <lroa"),
        (Region("a", mask=ALL, loras={"line_rat": 1}), RequestError, "line_art"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is(
    mixer: Mixer, region: Region, error: type[Exception], said: str
) -> None:
    with pytest.raises(Exception, match=said):
        mixer.resolve("cat", regions=[region], **SMALL)
