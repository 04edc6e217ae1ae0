"""What a training learns from. Everything else (optimizer, state, files, samples) is the same for every lesson."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from lora_mixer.trainer.learner import Learner


class Lesson(Protocol):
    """Batches by their number, and how wrong the adapters are about each."""

    @property
    def batches(self) -> int:
        """How many batches an epoch has."""

    def loss(self, learner: Learner, batch: int) -> Tensor:
        """Return the loss () of a batch by its number, from 0 on without end, with a gradient.

        Whatever is random in it follows from `learner.settings.seed` and the number alone: see `Dice`. That makes a
        resumed training bit-equal, and lets several GPUs share the batches.
        """

    def validation(self, learner: Learner) -> float | None:
        """Return a loss that can be compared between steps; None if there is nothing to measure."""

    def facts(self) -> Mapping[str, str]:
        """Return what a file's metadata says of what was learned: `ss_tag_frequency` and the like."""
