"""The lessons of the shipped adapters, and adapters worn by the model: laws on the embedded model."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from lora_mixer.models import Model
from lora_mixer.trainer import TrainSettings
from lora_mixer.trainer.learner import Learner
from training.adapters.consistency import ConsistencyLesson, consistent, guided_step
from training.adapters.recipes import RECIPES, Recipe
from training.adapters.train import settings_of
from training.painter import open_emoji
from training.paths import DATA
from training.wearing import Wearing

CAPTIONS = ["a red heart", "cat"]


@pytest.fixture(scope="module")
def model() -> Model:
    return open_emoji()


@pytest.fixture(scope="module")
def learner(model: Model) -> Learner:
    return Learner(model, TrainSettings(steps=1, batch=2, rank=2, seed=1))


def latents(learner: Learner, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, learner.model.latent_channels, 16, 16, generator=generator)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_is_one_that_the_products_trainer_takes(recipe: Recipe) -> None:
    settings = settings_of(recipe)
    assert settings.steps * settings.batch >= recipe.images
    assert all(getattr(settings, name) == value for name, value in recipe.settings.items())


@pytest.mark.parametrize("time", [19, 499, 999])
def test_a_step_that_ends_where_it_began_changes_nothing(learner: Learner, time: int) -> None:
    noisy, times = latents(learner), torch.tensor([time, time])
    with torch.no_grad():
        assert torch.allclose(guided_step(learner, noisy, times, times, CAPTIONS), noisy, atol=1e-4)


def test_without_noise_the_consistency_function_is_the_picture(learner: Learner) -> None:
    clean, times = latents(learner), torch.tensor([0, 0])
    with torch.no_grad():
        near = consistent(learner, clean, times, CAPTIONS)
    assert torch.equal(near, clean)


def test_a_batch_of_the_few_step_lesson_follows_from_its_number(learner: Learner) -> None:
    data = SimpleNamespace(latents=latents(learner, 3), draw=lambda n, rng, empty: (torch.arange(n), CAPTIONS[:n]))
    lesson = ConsistencyLesson(data)  # type: ignore[arg-type]
    first, again, other = (lesson.loss(learner, batch) for batch in (4, 4, 5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    first.backward()
    assert all(parameter.grad is not None for parameter in learner.adapters.parameters())


def test_what_the_model_wears_comes_off_exactly_and_nothing_is_worn_at_no_strength(model: Model) -> None:
    before, worn = model.checksum(), Wearing(model, DATA / "loras")
    with worn.on({"line_art": 0.0}):
        assert model.checksum() == before
    with worn.on({"line_art": 0.7, "sepia": -0.5}):
        assert model.checksum() != before
    assert model.checksum() == before
