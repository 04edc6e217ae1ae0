"""What a render tells on its way: steps, counted over all passes, and tiles that a network enlarged."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from lora_mixer.files import Leases
from lora_mixer.pipeline.job import FromPassBefore, Job
from lora_mixer.sampling import Step
from lora_mixer.upscalers import Tile

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enlarging:
    """A network enlarges what the last step gave.

    Attributes:
        step: That step; what enlarges is the one after it.
        share: How much of it is done, 0 to 1.
    """

    step: Step
    share: float


class Course:
    """The whole of a batch's render: its steps, and every enlarging by a network as one more.

    Args:
        jobs: The batch.
        files: Held while something is computed, and let go while others look at it.
    """

    def __init__(self, jobs: Sequence[Job], files: Leases) -> None:
        between = sum(
            isinstance(one.start, FromPassBefore) and one.start.upscaler is not None for one in jobs[0].passes
        )
        at_the_end = any(job.upscaler is not None for job in jobs)
        self._total = sum(one.settings.steps for one in jobs[0].passes) + between + at_the_end
        self._files = files
        self._done = 0
        self._last: Step | None = None

    def through(self, events: Generator[Step | Tile, None, Made]) -> Generator[Step | Enlarging, None, Made]:
        """Yield what a part of the render tells, counted over the whole; return what it made.

        Raises:
            ChangedFileError: A file that is used is no more as it was.
        """
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                made: Made = end.value
                return made
            self._files.check()  # did somebody wait to write one while the step was computed?
            self._files.let_go()
            yield self._counted(event)
            self._files.take()  # before the next step reads what is mapped

    def _counted(self, event: Step | Tile) -> Step | Enlarging:
        if isinstance(event, Step):
            self._last = replace(event, index=self._done, total=self._total)
            self._done += 1
            return self._last
        assert self._last is not None
        self._done += event.done == event.of
        return Enlarging(step=self._last, share=event.done / event.of)
