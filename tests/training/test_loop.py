"""A run that was stopped and resumed ends where an unbroken run ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from training.loop import Budget, Loop, Progress, StepResult, cosine, flat_then_linear


def make_loop(folder: Path, images: int) -> tuple[Loop, nn.Linear]:
    torch.manual_seed(0)
    model = nn.Linear(3, 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    loop = Loop(
        name="toy",
        accelerator=Accelerator(),
        modules={"model": model},
        optimizer=optimizer,
        budget=Budget(images=images),
        folder=folder,
        shape=lambda _: 1.0,
        warm_up=1,
    )
    return loop, model


def train(loop: Loop, model: nn.Linear) -> torch.Tensor:
    def step(_: Progress) -> StepResult:
        batch = torch.randn(4, 3)
        return StepResult(loss=(model(batch) - 2 * batch).square().mean(), images=4)

    loop.run(step)
    return model.weight.detach().clone()


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    unbroken = train(*make_loop(tmp_path / "whole", 8))
    train(*make_loop(tmp_path / "broken", 4))
    resumed_loop, model = make_loop(tmp_path / "broken", 8)
    assert resumed_loop.progress.step == 1
    assert torch.equal(train(resumed_loop, model), unbroken)
    assert resumed_loop.progress.step == 2


def test_a_finished_run_trains_no_further(tmp_path: Path) -> None:
    first = train(*make_loop(tmp_path, 8))
    assert torch.equal(train(*make_loop(tmp_path, 8)), first)


def test_a_checkpoint_is_never_half_written(tmp_path: Path) -> None:
    train(*make_loop(tmp_path, 4))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_a_budget_needs_a_measure() -> None:
    with pytest.raises(ValueError, match="minutes or images"):
        Budget().fraction(Progress())


def test_the_learning_rate_ends_at_its_floor() -> None:
    assert cosine(0.0) == pytest.approx(1)
    assert cosine(1.0) == pytest.approx(0, abs=1e-6)
    assert flat_then_linear(0.2) == 1
    assert flat_then_linear(1.0) == pytest.approx(0.015)
