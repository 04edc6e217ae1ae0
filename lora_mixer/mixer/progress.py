"""What a caller hears while pictures are made, and how it says stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One step of one batch is done.

    Attributes:
        done: Pictures finished so far in this call.
        total: Pictures asked for in this call.
        step: Steps finished in this batch, from 1.
        steps: Steps of this batch.
        batch: Pictures in this batch.
        preview: Decodes the first picture of the batch as it stands; costs a VAE decode, so call it sparingly.
    """

    done: int
    total: int
    step: int
    steps: int
    batch: int
    preview: Callable[[], Image.Image]

    @property
    def fraction(self) -> float:
        """How much of the whole call is done, 0..1."""
        return min(1.0, (self.done + self.batch * self.step / self.steps) / max(self.total, 1))


OnProgress = Callable[[Progress], None]
