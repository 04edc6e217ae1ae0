"""One training loop for every step: budgeted by time or pictures, checkpointed, resumable, driven by accelerate.

The randomness of step *n* is a function of the seed and *n* alone, so a run that was killed and resumed sees the data an
unbroken run would have seen, and the learning rate is a function of the share of the budget that is used up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor, nn

from training.progress import report


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a run is."""

    step: int = 0
    images: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When a run is over: after so many minutes of training or so many pictures, whichever is given.

    Minutes are those of the processor where that trains, so that a machine's other work does not shorten a run.
    """

    minutes: float | None = None
    images: int | None = None

    def fraction(self, progress: Progress) -> float:
        """The used share of the budget, 0 to 1."""
        if self.images is not None:
            return min(1.0, progress.images / self.images)
        if self.minutes is None:
            raise ValueError("a budget needs minutes or images")
        return min(1.0, progress.seconds / (60 * self.minutes))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What one training step hands back."""

    loss: Tensor
    images: int
    logs: Mapping[str, float] = field(default_factory=dict)


def cosine(fraction: float) -> float:
    """Learning-rate factor: half a cosine from 1 to 0."""
    return float(0.5 * (1 + torch.cos(torch.tensor(torch.pi * fraction))))


def flat_then_linear(fraction: float, *, flat: float = 0.4, last: float = 0.015) -> float:
    """Learning-rate factor: 1 for the first part, then a straight line down to ``last``."""
    return 1.0 if fraction < flat else 1 - (1 - last) * (fraction - flat) / (1 - flat)


@dataclass(kw_only=True)
class Loop:
    """The state of one run: its modules, its optimizer, its moving average, and where all that is saved."""

    name: str
    accelerator: Accelerator
    modules: dict[str, nn.Module]
    optimizer: torch.optim.Optimizer
    budget: Budget
    folder: Path
    shape: Callable[[float], float] = cosine
    warm_up: int = 100
    clip: float = 1.0
    average_decay: float = 0.998
    seed: int = 0
    save_every: float = 120.0
    report_every: int = 50
    progress: Progress = field(default_factory=Progress)
    average: dict[str, dict[str, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Remember the peak learning rates and take up the last checkpoint, if there is one."""
        self.peaks = [float(group["lr"]) for group in self.optimizer.param_groups]
        self.average = {name: _copy(module) for name, module in self.modules.items()}
        path = self.folder / "checkpoint.pt"
        if path.exists():
            self._restore(torch.load(path, map_location="cpu", weights_only=True))
            report(self.name, f"resumed at step {self.progress.step}, {self.progress.images} pictures")

    def run(self, step: Callable[[Progress], StepResult], watch: Callable[[Progress], str] | None = None) -> None:
        """Train until the budget is used up, saving as it goes."""
        saved = time.monotonic()
        logs: dict[str, float] = {}
        while self.budget.fraction(self.progress) < 1:
            start = self._clock()
            result = self._advance(step)
            self.progress.step += 1
            self.progress.images += result.images * self.accelerator.num_processes
            self.progress.seconds = self._agreed(self.progress.seconds + self._clock() - start)
            for key, value in {"loss": float(result.loss.detach()), **result.logs}.items():
                logs[key] = value if key not in logs else 0.98 * logs[key] + 0.02 * value
            if self.progress.step % self.report_every == 0 and self.accelerator.is_main_process:
                self._tell(logs)
            if time.monotonic() - saved > self.save_every:
                self.save()
                saved = time.monotonic()
                if watch is not None:
                    report(self.name, watch(self.progress))
        self.save()
        if watch is not None:
            report(self.name, watch(self.progress))

    def _advance(self, step: Callable[[Progress], StepResult]) -> StepResult:
        torch.manual_seed((self.seed * 1_000_003 + self.progress.step) * 64 + self.accelerator.process_index)
        factor = self.shape(self.budget.fraction(self.progress)) * min(1.0, (self.progress.step + 1) / self.warm_up)
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        with self.accelerator.autocast():
            result = step(self.progress)
        self.accelerator.backward(result.loss)
        for module in self.modules.values():
            trained = [p for p in module.parameters() if p.grad is not None]
            self._share_gradients(trained)
            torch.nn.utils.clip_grad_norm_(trained, self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self._follow()
        return result

    def _clock(self) -> float:
        if self.accelerator.device.type == "cpu":
            return time.process_time() / torch.get_num_threads()
        return time.monotonic()

    def _share_gradients(self, trained: list[nn.Parameter]) -> None:
        """Average the gradients over all processes, in one message."""
        if self.accelerator.num_processes == 1:
            return
        gradients = [p.grad for p in trained if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        shared = self.accelerator.reduce(flat, reduction="mean")
        start = 0
        for gradient in gradients:
            gradient.copy_(shared[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def _agreed(self, seconds: float) -> float:
        """The mean of all processes' clocks: they must end, and change the learning rate, at the same step."""
        if self.accelerator.num_processes == 1:
            return seconds
        shared = self.accelerator.reduce(torch.tensor([seconds], device=self.accelerator.device), reduction="mean")
        return float(shared)

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.average_decay, (1 + self.progress.step) / (10 + self.progress.step))
        for name, module in self.modules.items():
            for key, value in module.named_parameters():
                if value.requires_grad:
                    self.average[name][key].lerp_(value.detach().float(), 1 - decay)

    def _tell(self, logs: Mapping[str, float]) -> None:
        done = self.progress
        numbers = " ".join(f"{key} {value:.4f}" for key, value in logs.items())
        rate = done.images / max(done.seconds, 1e-6)
        report(
            self.name,
            f"step {done.step} {done.images} pictures {self.budget.fraction(done):.1%} {rate:.1f}/s "
            f"lr {self.optimizer.param_groups[0]['lr']:.1e} {numbers}",
        )

    def save(self) -> None:
        """Write the checkpoint in one rename, so that a kill leaves either the old one or the new one."""
        if not self.accelerator.is_main_process:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "modules": {name: module.state_dict() for name, module in self.modules.items()},
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "progress": asdict(self.progress),
        }
        torch.save(state, self.folder / "checkpoint.part")
        (self.folder / "checkpoint.part").replace(self.folder / "checkpoint.pt")

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name, module in self.modules.items():
            module.load_state_dict(state["modules"][name])
        for name, values in state["average"].items():
            for key, value in values.items():
                self.average[name][key].copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])

    def use_average(self) -> None:
        """Put the moving average into the modules: what is evaluated and exported."""
        for name, module in self.modules.items():
            module.load_state_dict(self.average[name], strict=False)


def _copy(module: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone().float() for key, value in module.named_parameters() if value.requires_grad}
