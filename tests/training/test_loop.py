"""A run that was stopped and resumed ends where an unbroken run ends."""

from __future__ import annotations

import subprocess
import sys
import time
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


def test_a_run_that_was_killed_goes_on_from_its_checkpoint_to_the_same_end(tmp_path: Path) -> None:
    unbroken = train(*make_loop(tmp_path / "whole", 400))
    program = [
        "import importlib.util, sys",
        "from pathlib import Path",
        f"spec = importlib.util.spec_from_file_location('toy', {__file__!r})",
        "toy = importlib.util.module_from_spec(spec)",
        "spec.loader.exec_module(toy)",
        f"loop, model = toy.make_loop(Path({str(tmp_path / 'killed')!r}), 400_000_000)",
        "loop.save_every = 0.0",
        "toy.train(loop, model)",
    ]
    checkpoint = tmp_path / "killed" / "checkpoint.pt"
    with subprocess.Popen([sys.executable, "-c", "\n".join(program)]) as run:
        try:
            deadline = time.monotonic() + 120
            while not checkpoint.exists() and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            run.kill()
    resumed, model = make_loop(tmp_path / "killed", 400)
    assert 0 < resumed.progress.step < 100
    assert torch.equal(train(resumed, model), unbroken)
