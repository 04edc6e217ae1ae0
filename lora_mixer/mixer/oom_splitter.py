"""Render a batch in the memory available: smaller batches if it runs out, and failures confined to their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lora_mixer.errors import RenderError
from lora_mixer.kernels import ran_out, release_memory
from lora_mixer.pipeline import Job, RenderedImage

Outcome = RenderedImage | RenderError
Draw = Callable[[Sequence[Job], int], Sequence[RenderedImage]]


class OomSplitter:
    """Renders batches, halving them when memory runs out; a size that failed is not tried again.

    Args:
        most: The largest batch.
    """

    def __init__(self, most: int) -> None:
        self._asked = self._most = most

    def outcomes(self, jobs: Sequence[Job], draw: Draw) -> list[Outcome]:
        """Return each job's picture or error.

        Args:
            jobs: Pictures that may be rendered together.
            draw: Renders some of them, given the number of `jobs` done.
        """
        done: list[Outcome] = []
        while len(done) < len(jobs):
            part = [self._told(job) for job in jobs[len(done) : len(done) + self._most]]
            done += self._tried(part, draw, len(done))
        return done

    def _tried(self, jobs: Sequence[Job], draw: Draw, done: int) -> Sequence[Outcome]:
        """Return the outcomes of some jobs, or none to retry with a smaller batch."""
        error: RenderError
        try:
            return draw(jobs, done)
        except RenderError as failure:
            if len(jobs) > 1:  # one of them fails the batch
                return [outcome for at, job in enumerate(jobs) for outcome in self._tried([job], draw, done + at)]
            error = failure
        except (MemoryError, RuntimeError) as failure:
            if not ran_out(failure):
                raise
            error = _out_of_memory(jobs)
        release_memory()  # only here, since the failure references what it was computing
        if len(jobs) == 1:
            return [error]
        self._most = (len(jobs) + 1) // 2
        return []

    def _told(self, job: Job) -> Job:
        """Return the job, with a note if its batch is smaller than requested."""
        if self._most == self._asked:
            return job
        note = f"memory ran out for more than {self._most} pictures at once"
        return replace(job, notes=(*job.notes, note))


def _out_of_memory(jobs: Sequence[Job]) -> RenderError:
    settings = jobs[0].settings
    largest = settings.hires or settings
    return RenderError(
        f"memory ran out for {len(jobs)} of {largest.width}x{largest.height} at once",
        remedy=f"Lower the {'hires scale' if settings.hires else 'size'}, use --dtype float16 or bfloat16, "
        "or close other programs.",
    )
