"""A batch rendered in what memory there is: fewer pictures at once where it runs out, and a failure only for its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from lora_mixer.errors import RenderError
from lora_mixer.kernels import release_memory
from lora_mixer.pipeline import Job, RenderedImage

Outcome = RenderedImage | RenderError
Draw = Callable[[Sequence[Job], int], Sequence[RenderedImage]]
NO_ROOM = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch says on CUDA and MPS, on Linux, and on Windows."""


class OomSplitter:
    """Renders batches and halves them where memory runs out; what was too much once is not tried again.

    Args:
        most: Pictures at once.
    """

    def __init__(self, most: int) -> None:
        self._asked = self._most = most

    def outcomes(self, jobs: Sequence[Job], draw: Draw) -> list[Outcome]:
        """Return the picture of each job, or why there is none.

        Args:
            jobs: Pictures that may be rendered together.
            draw: Renders some of them; it is told how many of `jobs` are done.
        """
        done: list[Outcome] = []
        while len(done) < len(jobs):
            part = [self._told(job) for job in jobs[len(done) : len(done) + self._most]]
            done += self._tried(part, draw, len(done))
        return done

    def _tried(self, jobs: Sequence[Job], draw: Draw, done: int) -> Sequence[Outcome]:
        """Return the outcomes of some jobs; none if fewer must be tried at once."""
        error: RenderError
        try:
            return draw(jobs, done)
        except RenderError as failure:
            if len(jobs) > 1:  # one of them spoils it for all
                return [outcome for at, job in enumerate(jobs) for outcome in self._tried([job], draw, done + at)]
            error = failure
        except (MemoryError, RuntimeError) as failure:
            if not _no_room(failure):
                raise
            error = _out_of_memory(jobs)
        release_memory()  # only here: the failure holds on to what it was computing
        if len(jobs) == 1:
            return [error]
        self._most = (len(jobs) + 1) // 2
        return []

    def _told(self, job: Job) -> Job:
        """Return a job with the note for its record, if fewer pictures than asked for are rendered at once."""
        if self._most == self._asked:
            return job
        note = f"memory ran out for more than {self._most} pictures at once"
        return replace(job, notes=(*job.notes, note))


def _no_room(error: BaseException) -> bool:
    said = str(error).lower()
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(words in said for words in NO_ROOM)


def _out_of_memory(jobs: Sequence[Job]) -> RenderError:
    settings = jobs[0].settings
    largest = settings.hires or settings
    return RenderError(
        f"memory ran out for {len(jobs)} of {largest.width}x{largest.height} at once",
        remedy=f"Lower the {'hires scale' if settings.hires else 'size'}, use --dtype float16 or bfloat16, "
        "or close other programs.",
    )
