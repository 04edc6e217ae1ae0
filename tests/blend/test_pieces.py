"""Things are in one piece: a nose that looks like the other thing is a part of its face."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lora_mixer.blend.pieces import in_one_piece, pieces_of


def drawn(*rows: str) -> Tensor:
    """Return the masks of things a, b, c as letters draw them."""
    things = sorted(set("".join(rows)) - {"."})
    return torch.stack([torch.tensor([[float(one == thing) for one in row] for row in rows]) for thing in things])


def test_a_stray_piece_inside_another_thing_becomes_its() -> None:
    found = in_one_piece(drawn("aaa..bbb", "aba..bab", "aaa..bbb"))
    assert torch.equal(found, drawn("aaa..bbb", "aaa..bbb", "aaa..bbb"))


def test_a_piece_that_is_larger_than_the_rest_of_its_thing_is_taken_too_where_its_thing_is_larger_elsewhere() -> None:
    found = in_one_piece(drawn("aaa...bb", "aaa...bb", "aaa..aaa", "aaa..aaa"))
    assert torch.equal(found, drawn("aaa...bb", "aaa...bb", "aaa..bbb", "aaa..bbb"))


def test_pieces_apart_stay_as_there_may_be_two_of_a_thing() -> None:
    masks = drawn("aa.a..bb", "aa....bb", ".......b")
    assert torch.equal(in_one_piece(masks), masks)


def test_what_one_thing_encloses_is_its_and_what_two_enclose_is_nobodys() -> None:
    found = in_one_piece(drawn("aaa..", "a.a.b", "aaa.b"))
    assert torch.equal(found, drawn("aaa..", "aaa.b", "aaa.b"))
    between = drawn("aabb", "a..b", "aabb")
    assert torch.equal(in_one_piece(between), between)


@given(things=st.integers(1, 4), seed=st.integers(0, 1000), size=st.tuples(st.integers(1, 12), st.integers(1, 12)))
def test_no_place_is_lost_or_twice_taken_and_things_come_in_any_order(
    things: int, seed: int, size: tuple[int, int]
) -> None:
    owners = torch.randint(-2, things, size, generator=torch.Generator().manual_seed(seed))
    masks = torch.stack([(owners == thing).double() for thing in range(things)])
    found = in_one_piece(masks)
    assert set(found.unique().tolist()) <= {0.0, 1.0}
    assert float(found.sum(0).max()) <= 1.0
    assert bool((found.sum(0) >= masks.sum(0)).all())
    assert torch.equal(in_one_piece(masks.flip(0)), found.flip(0))


@given(seed=st.integers(0, 1000), size=st.tuples(st.integers(1, 12), st.integers(1, 12)))
def test_pieces_are_the_mask_and_do_not_touch(seed: int, size: tuple[int, int]) -> None:
    mask = torch.rand(size, generator=torch.Generator().manual_seed(seed)) < 0.3
    pieces = list(pieces_of(mask))
    assert torch.equal(sum(pieces, torch.zeros(size, dtype=torch.int)), mask.int())
    for one in pieces:
        near = torch.nn.functional.max_pool2d(one[None, None].float(), 3, stride=1, padding=1)[0, 0] > 0
        assert not (near & mask & ~one).any()
