"""Progress of a render, and the switch that cancels it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The state after one step of a batch.

    Attributes:
        done: Pictures finished so far in this call.
        total: Pictures asked for in this call.
        step: Steps finished in this batch, counted from 1.
        steps: Steps of this batch.
        batch: Pictures in this batch.
        share: How much of the next step is done, 0 to 1, where that is a network's that enlarges.
        preview: Decodes the batch's first picture as it is now; each call costs a VAE decode.
        aside: Lets other calls use the mixer within a `with` block; the render goes on after it, to the same picture.
    """

    done: int
    total: int
    step: int
    steps: int
    batch: int
    share: float = 0.0
    preview: Callable[[], Image.Image]
    aside: Callable[[], AbstractContextManager[object]]

    @property
    def fraction(self) -> float:
        """The fraction of the whole call done, 0..1."""
        return min(1.0, (self.done + self.batch * (self.step + self.share) / self.steps) / max(self.total, 1))


OnProgress = Callable[[Progress], None]
