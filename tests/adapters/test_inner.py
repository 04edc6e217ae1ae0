"""The inner product of two changes, whatever kinds they are."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lora_mixer.adapters import Factors, Weights, change_of, inner, make_layer
from tests.support.kind_examples import EXAMPLES, LINEAR, Example, generator, randn

SEEDS = st.integers(0, 2**31)


def change(example: Example, seed: int):
    """A group of a kind on the matrix all kinds have in common (or the first shape it goes onto), and its D."""
    shape = LINEAR if LINEAR in example.shapes else example.shapes[0]
    layer = make_layer(example.build(shape, generator(seed)), shape, shape[:1])
    rng = generator(7)
    base = Weights(randn(rng, *shape, size=1.0), randn(rng, shape[0]))
    return change_of(layer, base), layer.delta(base).weight


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
@settings(max_examples=6, deadline=None)
@given(seed=SEEDS)
def test_the_inner_product_by_factors_is_that_of_the_changes_themselves(example: Example, seed: int) -> None:
    ours, dense = change(example, seed)
    other, other_dense = change(EXAMPLES[0], seed + 1)
    if dense is None:
        assert ours is None
        return
    assert inner(ours, ours) == pytest.approx(float((dense * dense).sum()), rel=1e-9)
    if dense.shape == other_dense.shape:
        expected = pytest.approx(float((dense * other_dense).sum()), rel=1e-9, abs=1e-9)
        assert inner(ours, other) == expected
        assert inner(other, ours) == expected


def test_low_rank_changes_are_never_made_dense() -> None:
    pair = Factors(down=torch.ones(1, 1 << 20), up=torch.ones(1 << 20, 1))  # D would take 4 TiB
    assert inner(pair, pair) == 2.0**40
