"""What an adapter is shown at a strength, and in which order adapters are trained."""

from __future__ import annotations

import pytest
import torch

from training.adapters.data import BESIDE, LEVELS, at_amount, shown_at
from training.adapters.looks import look_loss
from training.adapters.recipes import RECIPES, Recipe, find_recipe, training_order


def test_at_a_level_the_level_is_shown_and_between_two_what_lies_between() -> None:
    levels = torch.randn(len(LEVELS), 2, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    for amount, level in zip(LEVELS, levels, strict=True):
        assert torch.equal(at_amount(levels, amount), level)
    for below in range(len(LEVELS) - 1):
        middle = (LEVELS[below] + LEVELS[below + 1]) / 2
        assert torch.allclose(at_amount(levels, middle), levels[below : below + 2].mean(0), atol=1e-6)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_in_a_blend_each_look_shows_as_much_as_alone_at_that_strength(recipe: Recipe) -> None:
    for other in map(find_recipe, recipe.beside):
        assert shown_at(BESIDE, (recipe, other)) == {one.name: one.amount(BESIDE) for one in (recipe, other)}
    assert recipe.amount(0) == 0
    assert recipe.amount(1) == 1


def test_every_adapter_is_trained_once_and_after_those_it_stands_beside() -> None:
    order = training_order([recipe.name for recipe in RECIPES])
    assert sorted(order) == sorted(recipe.name for recipe in RECIPES)
    for recipe in RECIPES:
        assert all(order.index(other) < order.index(recipe.name) for other in recipe.beside)


def predictions(seed: int) -> torch.Tensor:
    return torch.randn(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(seed))


def loss(error: torch.Tensor, base_error: torch.Tensor, amount: float) -> float:
    return float(look_loss(error, base_error, amount, guidance_weight=4.0, softened=0.8))


def test_a_perfect_adapter_has_no_loss_at_full_strength_whatever_the_base_gets_wrong() -> None:
    assert loss(torch.zeros(2, 3, 4, 8, 8), predictions(0), 1.0) == 0


@pytest.mark.parametrize("amount", [0.25, 0.5, 1.0])
def test_a_fault_of_one_prediction_alone_costs_more_than_a_fault_of_both(amount: float) -> None:
    wrong, fault = predictions(1), predictions(2)[0]
    ideal = (1 - amount) * wrong
    both = loss(ideal + fault, wrong, amount)
    named = loss(ideal + torch.stack([torch.zeros_like(fault), 2**0.5 * fault]), wrong, amount)
    assert named > both


def test_towards_no_strength_the_best_is_what_the_base_does() -> None:
    wrong = predictions(3)
    kept, other = (loss(error, wrong, 1e-3) for error in (wrong, 0 * wrong))
    assert kept < 1e-4 * other
