"""Input pictures at the size that is drawn, against diffusers' image processor."""

from __future__ import annotations

from io import BytesIO

import diffusers
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from lora_mixer.choices.inputs import MASKED_CONTENTS
from lora_mixer.errors import BrokenFileError, RequestError
from lora_mixer.images.canvas import Inpainting, canvas_of, filled, part_of, resized
from lora_mixer.images.pixels import decode_input

THEIRS = diffusers.image_processor.VaeImageProcessor()
MODES = {"just resize": "default", "crop and resize": "crop", "resize and fill": "fill"}
HARD = Inpainting(mode="inpaint masked", blur=0, content="original", area="whole picture", padding=8)
SIDES = st.integers(min_value=3, max_value=40)


def noise(width: int, height: int, bands: int = 3, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, bands), dtype=np.uint8)
    return Image.fromarray(pixels.squeeze())


def box(width: int, height: int, *part: int) -> Image.Image:
    mask = Image.new("L", (width, height), 0)
    mask.paste(255, part)
    return mask


@pytest.mark.parametrize("mode", MODES)
@given(SIDES, SIDES, SIDES, SIDES)
@settings(max_examples=50)
def test_pictures_come_to_the_size_as_in_diffusers(mode, width, height, wide, high):
    picture = noise(width, height)
    ours = resized(picture, mode, wide, high)
    assert ours.size == (wide, high)
    if mode == "resize and fill":  # theirs leaves the last line black where an odd number of them is over
        inner = min(wide, width * high // height), min(high, height * wide // width)
        assume(min(inner) > 0 and (wide - inner[0]) % 2 == 0 and (high - inner[1]) % 2 == 0)
    theirs = THEIRS.resize(picture, high, wide, resize_mode=MODES[mode])
    assert np.abs(np.asarray(ours).astype(int) - np.asarray(theirs).astype(int)).max() <= 1


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 12), st.data())
@settings(max_examples=50)
def test_the_part_around_a_mask_is_diffusers(width, height, wide, high, padding, data):
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    mask = box(width, height, left, top, right, bottom)
    assert part_of(mask, wide, high, padding=padding) == THEIRS.get_crop_region(mask, wide, high, pad=padding)


def test_what_the_mask_keeps_is_laid_over_the_result_as_diffusers_does():
    picture, drawn, mask = noise(32, 24), noise(32, 24, seed=1), noise(32, 24, bands=1, seed=2)
    canvas = canvas_of(picture, 32, 24, mask=mask, inpainting=HARD)
    seen = mask.point([min(2 * value, 255) for value in range(256)])
    theirs = THEIRS.apply_overlay(seen, picture, drawn)
    assert np.abs(np.asarray(canvas.put_back(drawn)).astype(int) - np.asarray(theirs).astype(int)).max() <= 1


def test_a_part_is_put_back_where_it_was_as_diffusers_does():
    picture, mask = noise(60, 40), box(60, 40, 10, 12, 25, 20)
    only = Inpainting(mode="inpaint masked", blur=0, content="original", area="only masked", padding=4)
    canvas = canvas_of(picture, 32, 32, mask=mask, inpainting=only)
    drawn = noise(32, 32, seed=1)
    theirs = THEIRS.apply_overlay(mask, picture, drawn, THEIRS.get_crop_region(mask, 32, 32, pad=4))
    ours = canvas.put_back(drawn)
    assert ours.size == picture.size
    assert np.abs(np.asarray(ours).astype(int) - np.asarray(theirs).astype(int)).max() <= 1


def test_black_of_the_mask_is_meant_where_it_says_so():
    mask = box(16, 16, 0, 0, 8, 16)
    white = canvas_of(noise(16, 16), 16, 16, mask=mask, inpainting=HARD).redrawn(8)
    other = Inpainting(mode="inpaint not masked", blur=0, content="original", area="whole picture", padding=0)
    black = canvas_of(noise(16, 16), 16, 16, mask=mask, inpainting=other).redrawn(8)
    assert white.tolist() == [[1, 0], [1, 0]]
    assert black.tolist() == [[0, 1], [0, 1]]


def test_what_is_transparent_in_a_mask_is_kept_and_in_a_picture_is_white():
    strokes = Image.new("RGBA", (16, 16), (255, 255, 255, 0))
    strokes.paste((255, 255, 255, 255), (0, 0, 8, 8))
    canvas = canvas_of(Image.new("RGBA", (16, 16), (0, 0, 0, 0)), 16, 16, mask=strokes, inpainting=HARD)
    assert canvas.redrawn(8).tolist() == [[1, 0], [0, 0]]
    assert np.asarray(canvas.picture).min() == 255


def test_a_soft_mask_shows_the_result_softly_and_draws_the_same_cells():
    mask = box(64, 64, 16, 16, 48, 48)
    soft = Inpainting(mode="inpaint masked", blur=3, content="original", area="whole picture", padding=0)
    canvas = canvas_of(Image.new("RGB", (64, 64)), 64, 64, mask=mask, inpainting=soft)
    shown = np.asarray(canvas.put_back(Image.new("RGB", (64, 64), "white")))[32, :, 0]
    assert len(set(shown.tolist())) > 5
    assert np.array_equal(canvas.redrawn(8), np.asarray(mask)[::8, ::8] / 255)


@pytest.mark.parametrize("content", MASKED_CONTENTS)
def test_only_original_leaves_what_is_under_the_mask(content):
    picture, mask = noise(32, 32), box(32, 32, 8, 8, 24, 24)
    how = Inpainting(mode="inpaint masked", blur=0, content=content, area="whole picture", padding=0)
    canvas = canvas_of(picture, 32, 32, mask=mask, inpainting=how)
    before, after = np.asarray(picture), np.asarray(canvas.picture)
    outside = np.asarray(mask) == 0
    assert np.abs(before[outside].astype(int) - after[outside]).max() <= 1
    assert np.array_equal(before, after) == (content == "original")


def test_fill_takes_the_colours_around():
    picture = Image.new("RGB", (64, 64), (200, 30, 60))
    picture.paste((0, 255, 0), (16, 16, 48, 48))
    assert np.abs(np.asarray(filled(picture, box(64, 64, 16, 16, 48, 48))).astype(int) - (200, 30, 60)).max() <= 2


@pytest.mark.parametrize("area", ["whole picture", "only masked"])
def test_a_mask_of_nothing_is_refused(area):
    how = Inpainting(mode="inpaint masked", blur=4, content="original", area=area, padding=0)
    with pytest.raises(RequestError, match="covers nothing"):
        canvas_of(noise(64, 64), 64, 64, mask=Image.new("L", (64, 64)), inpainting=how)


def photo(**options: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 4)).save(out, **options)
    return out.getvalue()


def test_a_photograph_is_turned_as_the_camera_says():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode_input(photo(format="JPEG", exif=exif), "x").size == (4, 8)


def test_sixteen_bits_of_grey_become_eight():
    out = BytesIO()
    Image.fromarray(np.full((4, 4), 0x8000, dtype=np.uint16)).save(out, format="PNG")
    assert np.asarray(decode_input(out.getvalue(), "x")).tolist() == [[128] * 4] * 4


@pytest.mark.parametrize("data", [b"", b"not a picture", photo(format="PNG")[:48], photo(format="BMP")])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(BrokenFileError, match="not a readable picture"):
        decode_input(data, "x")
