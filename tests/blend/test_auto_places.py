"""Automatic places: disjoint masks of the things that places listen to, on maps that are known."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lora_mixer.blend.auto_places import RIM, contrasted, find_masks, with_rims

SIZE = (12, 16)
LEFT, RIGHT = (slice(3, 10), slice(1, 7)), (slice(2, 9), slice(9, 15))


def scene(noise: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return what is heard of two things, what is seen, and where they truly are."""
    draw = torch.Generator().manual_seed(seed)
    truth = torch.zeros(2, *SIZE)
    truth[0][LEFT], truth[1][RIGHT] = 1.0, 1.0
    looks = torch.randn(3, 24, generator=draw)
    kinds = torch.cat([1.0 - truth.sum(0, keepdim=True), truth]).flatten(1)
    seen = kinds.T @ looks + noise * torch.randn(SIZE[0] * SIZE[1], 24, generator=draw)
    heard = 0.3 + truth.flatten(1) * torch.rand(
        2, SIZE[0] * SIZE[1], generator=draw
    )  # in some places loud, in others not
    return heard, seen, truth


@pytest.mark.parametrize("seed", range(5))
def test_each_thing_is_found_where_it_is(seed: int) -> None:
    heard, seen, truth = scene(noise=0.3, seed=seed)
    masks = find_masks(heard, seen, SIZE)
    for mask, true in zip(masks, truth, strict=True):
        both, either = float((mask * true).sum()), float(((mask + true) > 0).sum())
        assert both / either > 0.8


def test_the_order_of_things_is_that_of_their_masks() -> None:
    heard, seen, _ = scene()
    there, back = find_masks(heard, seen, SIZE), find_masks(heard.flip(0), seen, SIZE)
    assert torch.equal(there, back.flip(0))


def test_a_thing_alone_is_told_from_its_background() -> None:
    heard, seen, truth = scene()
    (mask,) = find_masks(heard[:1], seen, SIZE)
    assert float((mask * truth[0]).sum()) > 0.9 * float(truth[0].sum())
    assert float((mask * (1 - truth.sum(0))).sum()) < 0.1 * float((1 - truth.sum(0)).sum())


@given(things=st.integers(1, 5), seed=st.integers(0, 1000), size=st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_masks_never_overlap(things: int, seed: int, size: tuple[int, int]) -> None:
    draw = torch.Generator().manual_seed(seed)
    places = size[0] * size[1]
    masks = find_masks(torch.rand(things, places, generator=draw), torch.randn(places, 4, generator=draw), size)
    assert masks.shape == (things, *size)
    assert set(masks.unique().tolist()) <= {0.0, 1.0}
    assert float(masks.sum(0).max()) <= 1.0


def test_what_is_heard_of_all_things_alike_tells_none_of_them() -> None:
    heard = torch.tensor([[1.0, 3.0], [1.0, 1.0]])
    assert contrasted(heard).tolist() == [[1.0, 5.0], [1.0, -1.0]]  # n a_i - the sum of the others


@given(things=st.integers(1, 4), seed=st.integers(0, 1000), size=st.tuples(st.integers(1, 20), st.integers(1, 20)))
def test_rims_take_what_is_nobodys_and_near_whatever_the_order_of_things(
    things: int, seed: int, size: tuple[int, int]
) -> None:
    owners = torch.randint(-3 * things, things, size, generator=torch.Generator().manual_seed(seed))
    masks = torch.stack([(owners == thing).double() for thing in range(things)])
    wide = with_rims(masks)
    assert set(wide.unique().tolist()) <= {0.0, 1.0}
    assert float(wide.sum(0).max()) <= 1.0
    assert bool((wide >= masks).all())
    assert torch.equal(with_rims(masks.flip(0)), wide.flip(0))
    reach = max(1, round(min(size) * RIM))
    within = torch.nn.functional.max_pool2d(masks[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0]
    assert bool((wide <= within).all())


def test_a_rim_closes_what_is_nobodys_within_a_thing_and_goes_around_it() -> None:
    mask = torch.zeros(1, 8, 8, dtype=torch.float64)
    mask[0, 2:5, 2:5] = 1
    mask[0, 3, 3] = 0
    wide = with_rims(mask)
    assert bool((wide[0, 1:6, 1:6] == 1).all())
    assert int(wide.sum()) == 25
