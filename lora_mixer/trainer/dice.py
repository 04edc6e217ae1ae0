"""What is random in a batch: a function of the seed and the batch's number alone, so that a resumed training is the same."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Self

from torch import Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Dice:
    """Where a batch's random numbers come from.

    Attributes:
        choices: For flips, captions, strengths.
        noise: For tensors.
        seed: For what can only be seeded as a whole: torch's own generator, which dropout draws from.
    """

    choices: random.Random
    noise: Generator
    seed: int

    @classmethod
    def of(cls, seed: int, what: object) -> Self:
        """Return those of a seed and a batch, or of anything else that has a name."""
        choices = random.Random(f"{seed}:{what}")  # noqa: S311 - training noise, no secret
        own = choices.getrandbits(63)
        return cls(choices=choices, noise=Generator().manual_seed(own), seed=own)
