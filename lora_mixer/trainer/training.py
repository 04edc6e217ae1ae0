"""One training: a learner, a lesson, an optimizer, and a step that hangs on nothing but its number."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from lora_mixer.errors import RenderError
from lora_mixer.trainer.clock import now
from lora_mixer.trainer.devices import ALONE, Devices
from lora_mixer.trainer.dice import Dice
from lora_mixer.trainer.layers import numbers_by_rate
from lora_mixer.trainer.learner import Learner
from lora_mixer.trainer.lesson import Lesson
from lora_mixer.trainer.optimizers import averages_its_weights, optimizer_for, rate_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How a step went.

    Attributes:
        step: Its number, from 1.
        of: How many there are.
        epoch: From 1.
        loss: Its mean loss.
        rate: The denoiser's learning rate.
    """

    step: int
    of: int
    epoch: int
    loss: float
    rate: float


class Training:
    """A LoRA in training.

    Args:
        learner: The model with its adapters.
        lesson: What it learns from.
        devices: Who shares the batches of a step.

    Raises:
        RequestError: The optimizer is not there.

    Attributes:
        done: How many steps it has taken.
        started: When it began.
    """

    def __init__(self, learner: Learner, lesson: Lesson, devices: Devices = ALONE) -> None:
        self.learner, self.lesson, self.devices, self.done = learner, lesson, devices, 0
        self.started = now()
        self.settings, self.adapters = learner.settings, learner.adapters
        self.optimizer = optimizer_for(self.settings, numbers_by_rate(self.adapters, self.settings))
        self._rates = [float(group["lr"]) for group in self.optimizer.param_groups]
        half = self.settings.precision == "float16"
        self.scaler = torch.amp.GradScaler(learner.model.device.type, enabled=half)

    @property
    def a_step(self) -> int:
        """How many batches a step takes, on all devices together."""
        return self.settings.accumulate * self.devices.count

    @property
    def epochs(self) -> int:
        """How many epochs there are, begun ones counted."""
        return -(-self.settings.steps * self.a_step // self.lesson.batches)

    @property
    def epoch(self) -> int:
        """Which epoch the last step was of, from 1."""
        return -(-self.done * self.a_step // self.lesson.batches)

    @property
    def ends_epoch(self) -> bool:
        """Whether the last step was the last that began in its epoch."""
        return (
            self.done > 0
            and self.done * self.a_step // self.lesson.batches > (self.done - 1) * self.a_step // self.lesson.batches
        )

    def step(self) -> StepReport:
        """Take one optimizer step.

        Raises:
            RenderError: The loss is no longer finite; nothing was changed by this step.
        """
        settings, first = self.settings, self.done * self.a_step
        factor = rate_factor(settings, self.done)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        averages_its_weights(self.optimizer, train=True)
        batches = range(first + self.devices.number, first + self.a_step, self.devices.count)
        total = self.devices.mean(sum(self._learned(batch) for batch in batches))
        self._update(total)
        self.done += 1
        rate = self.optimizer.param_groups[0]["lr"]
        return StepReport(step=self.done, of=settings.steps, epoch=self.epoch, loss=total, rate=rate)

    def _learned(self, batch: int) -> float:
        """Add a batch's gradient; return its share of the step's loss."""
        with self.devices.seeded(Dice.of(self.settings.seed, batch).seed, self.learner.model.device):
            loss = self.lesson.loss(self.learner, batch) / self.settings.accumulate
            self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    def _update(self, loss: float) -> None:
        numbers = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]
        if not loss < float("inf"):
            self.optimizer.zero_grad(set_to_none=True)
            raise RenderError(
                f"the loss of step {self.done + 1} is not finite",
                remedy="Lower the rate, or train in float32; the last checkpoint is whole.",
            )
        self.devices.share_gradients(numbers)
        self.scaler.unscale_(self.optimizer)
        if self.settings.clip:
            nn.utils.clip_grad_norm_(numbers, self.settings.clip, foreach=True)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)

    def validate(self) -> float | None:
        """Return the held-out loss, which can be compared between steps; None if nothing is held out."""
        averages_its_weights(self.optimizer, train=False)
        return self.lesson.validation(self.learner)

    def finished(self) -> None:
        """Leave the weights as they are to be used, where an optimizer keeps two sets."""
        averages_its_weights(self.optimizer, train=False)
