"""Shares: regions and the rest of the picture add up, in any order, at every resolution."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lora_mixer.blend import Area, Share
from lora_mixer.blend.shares import REST
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.places import CenterCrop, Rectangle

SIDES = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted).filter(lambda pair: pair[1] - pair[0] > 0.01)
AREAS = st.builds(
    lambda across, down, weight, feather: Area(
        mask=Rectangle(left=across[0], right=across[1], top=down[0], bottom=down[1]), weight=weight, feather=feather
    ),
    SIDES,
    SIDES,
    st.floats(0.01, 1),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
LEFT, RIGHT = (Area(mask=Rectangle(left=x, right=x + 0.5, top=0, bottom=1)) for x in (0.0, 0.5))
WHOLE = Area(mask=Rectangle(left=0, right=1, top=0, bottom=1))


def share(*areas: Area, of: set[int], size: tuple[int, int] = (8, 6)) -> Share:
    return Share(areas=areas, members=frozenset(of), height=size[0], width=size[1])


def at(one: Share, height: int = 8, width: int = 6) -> torch.Tensor:
    return one.mask().at(height, width)


@given(areas=st.lists(AREAS, min_size=1, max_size=4), size=st.tuples(st.integers(1, 12), st.integers(1, 12)))
def test_shares_add_up_to_one_everywhere(areas: list[Area], size: tuple[int, int]) -> None:
    maps = [at(share(*areas, of={member}), *size) for member in (REST, *range(len(areas)))]
    total = torch.stack(maps).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total))
    assert all(float(one.min()) >= 0.0 and float(one.max()) <= 1.0 + 1e-9 for one in maps)


@given(areas=st.lists(AREAS, min_size=2, max_size=4, unique_by=repr))
def test_the_order_of_regions_changes_nothing(areas: list[Area]) -> None:
    for number in range(len(areas)):
        there = at(share(*areas, of={number}))
        back = at(share(*reversed(areas), of={len(areas) - 1 - number}))
        torch.testing.assert_close(there, back)


def test_what_covers_everything_is_everything_and_leaves_nothing() -> None:
    assert share(WHOLE, of={0}).everything
    assert share(WHOLE, of={REST}).nothing
    assert share(LEFT, RIGHT, of={0, 1}).everything
    assert not share(LEFT, RIGHT, of={0}).everything
    third = [Area(mask=Rectangle(left=x / 3, right=(x + 1) / 3, top=0, bottom=1)) for x in range(3)]
    assert share(*third, of={0, 1, 2}).everything
    assert share(*third, of={REST}).nothing


def test_where_regions_overlap_they_share_by_weight() -> None:
    half = Area(mask=WHOLE.mask, weight=0.5)
    both = share(WHOLE, half, of={0}), share(WHOLE, half, of={1}), share(WHOLE, half, of={REST})
    assert [float(at(one)[0, 0]) for one in both] == pytest.approx([2 / 3, 1 / 3, 0.0])
    assert float(at(share(half, of={REST}))[0, 0]) == 0.5


def test_a_feather_is_a_ramp_about_the_edge_and_leaves_the_edge_of_the_picture() -> None:
    soft = Area(mask=LEFT.mask, feather=0.5)
    row = at(share(soft, of={0}, size=(16, 16)), 16, 16)
    assert torch.equal(row[0], row[8])  # no ramp at the top
    ramp = row[8]
    assert float(ramp[0]) == 1.0
    assert float(ramp[15]) == 0.0
    assert bool((ramp.diff() <= 0).all())
    assert 7 <= int(((ramp > 0) & (ramp < 1)).sum()) <= 9
    torch.testing.assert_close(ramp + ramp.flip(0), torch.ones_like(ramp))


def test_a_drawn_mask_is_the_picture_it_was_made_from() -> None:
    picture = Image.new("LA", (6, 8), (0, 255))
    picture.paste((255, 255), (0, 0, 3, 8))
    picture.putpixel((0, 0), (255, 0))  # transparent: not in it
    mask = at(share(Area(mask=drawn_mask(picture)), of={0}))
    assert float(mask[0, 0]) == 0.0
    torch.testing.assert_close(mask[1:, :3], torch.ones(7, 3, dtype=torch.float64))
    assert mask[:, 3:].eq(0).all()


def test_a_large_picture_becomes_a_small_mask_of_the_same_mean() -> None:
    small = drawn_mask(Image.linear_gradient("L").resize((2048, 1024)))
    assert len(small.png) < 200_000
    assert float(at(share(Area(mask=small), of={0})).mean()) == pytest.approx(0.5, abs=0.01)


@given(
    areas=st.lists(AREAS.map(lambda area: replace(area, feather=0.0)), min_size=1, max_size=3, unique_by=repr),
    size=st.tuples(st.integers(2, 8), st.integers(2, 8)),
    kept=st.tuples(st.integers(2, 12), st.integers(2, 12)),
)
def test_a_crop_keeps_of_places_what_it_keeps_of_the_picture(
    areas: list[Area], size: tuple[int, int], kept: tuple[int, int]
) -> None:
    crop = CenterCrop.covering(size, kept)
    (height, width), (high, wide), (top, left) = crop.whole, crop.kept, crop.corner
    cut = [replace(area, crop=crop) for area in areas]
    for member in (REST, *range(len(areas))):
        whole = at(share(*areas, of={member}, size=crop.whole), height, width)
        drawn = at(share(*cut, of={member}, size=kept), high, wide)
        torch.testing.assert_close(drawn, whole[top : top + high, left : left + wide])


def test_a_place_in_a_cropped_picture_is_the_one_given_at_the_second_size() -> None:
    crop = CenterCrop.covering((8, 8), (8, 16))  # enlarged to 16 x 16, of which rows 4 to 12 are kept
    cut = replace(LEFT, mask=Rectangle(left=0, right=0.5, top=0, bottom=0.5), crop=crop)
    given_there = Area(mask=Rectangle(left=0, right=0.5, top=0, bottom=0.5))
    assert torch.equal(at(share(cut, of={0}, size=(8, 16)), 8, 16), at(share(given_there, of={0}, size=(8, 16)), 8, 16))
    gone = Area(mask=Rectangle(left=0, right=1, top=0, bottom=0.25), crop=crop)
    assert share(gone, of={0}, size=(8, 16)).nothing
    middle = Area(mask=Rectangle(left=0, right=1, top=0.25, bottom=0.75), crop=crop)
    assert share(middle, of={0}, size=(8, 16)).everything
