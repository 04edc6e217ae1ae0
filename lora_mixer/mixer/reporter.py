"""Report a render's progress to its listeners, and stop it when cancelled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from PIL import Image

from lora_mixer.cancel import Cancel
from lora_mixer.files import Leases
from lora_mixer.mixer.progress import OnProgress, Progress
from lora_mixer.mixer.stopwatch import Stopwatch
from lora_mixer.mixer.turn import Turn
from lora_mixer.pipeline import Enlarging, LoadedModel
from lora_mixer.sampling import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReporter:
    """The listeners of one call.

    Attributes:
        on_progress: Called after every step.
        cancel: Stops within one step when pressed.
        before: Pictures finished before this batch.
        total: Pictures asked for in this call.
        turn: The render's, which it may leave to others between two steps.
        watch: Measures how long a render takes.
    """

    on_progress: OnProgress | None
    cancel: Cancel | None
    before: int
    total: int
    turn: Turn
    watch: Stopwatch = field(default_factory=Stopwatch)

    def check(self) -> None:
        """Stop before anything is computed.

        Raises:
            CancelledError: The switch was pressed.
        """
        if self.cancel is not None:
            self.cancel.check()

    def report(self, loaded: LoadedModel, event: Step | Enlarging, done: int, batch: int) -> None:
        """Report one finished step, or a tile; `done` images of this batch were finished earlier.

        Raises:
            CancelledError: The switch was pressed.
        """
        self.check()
        step, share = (event.step, event.share) if isinstance(event, Enlarging) else (event, 0.0)
        if self.on_progress is not None:
            self.on_progress(
                Progress(
                    done=self.before + done,
                    total=self.total,
                    step=step.index + 1,
                    steps=step.total,
                    batch=batch,
                    share=share,
                    preview=partial(_preview, loaded, step),
                    aside=partial(self._aside, loaded),
                )
            )

    @contextmanager
    def _aside(self, loaded: LoadedModel) -> Iterator[None]:
        """Leave the turn to others within a `with` block, and the model as they expect to find it."""
        with self.watch.stopped(), loaded.kernels.off(), self.turn.aside():
            yield


def _preview(loaded: LoadedModel, step: Step) -> Image.Image:
    with Leases(loaded.model.seals):
        return loaded.picture(step.predicted[0])
