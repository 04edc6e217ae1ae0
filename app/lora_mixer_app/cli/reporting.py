"""Report a run's progress: a bar on a terminal, lines in a file or pipe."""

from __future__ import annotations

import time
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from lora_mixer.ledger.failure import Failure
from lora_mixer.runs.run import RunProgress
from lora_mixer.wording import counted
from lora_mixer_app.cli.output import Console

TENTHS = 10
EVERY = 10.0
"""Seconds after which a line is due even without another tenth done."""


class Report:
    """Reports a run's progress and messages.

    Args:
        console: Where.
        total: The number of pictures.
    """

    def __init__(self, console: Console, total: int) -> None:
        self._console = console
        self._total = total
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._stage = ""
        self._told = -1
        self._last = self._began = time.monotonic()
        self._from = 0.0

    def __enter__(self) -> Self:
        """Begin a bar, if this is a terminal."""
        if self._console.is_terminal:
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            self._bar = Progress(*columns, console=self._console)
            self._bar.start()
            self._task = self._bar.add_task("looking at the plan", total=self._total)
        return self

    def __exit__(self, *raised: object) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.stop()

    def show(self, progress: RunProgress) -> None:
        """Show the progress."""
        if progress.planned is None:
            stage, done = "rendering", progress.fraction * progress.total
        else:
            stage, done = ("planning" if progress.planned else "opening the model"), float(progress.planned)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, description=stage)
        else:
            self._line(
                stage, done if progress.planned is not None else float(progress.done + progress.failed), progress
            )

    def say(self, sentence: str) -> None:
        """Print a message for the user."""
        self._console.print(sentence, style="yellow", markup=False)

    def failed(self, failure: Failure) -> None:
        """Report a picture that cannot be made."""
        self.say(f"failed: {failure.index:04}  {failure.raised()}")

    def _line(self, stage: str, done: float, progress: RunProgress) -> None:
        """Print a line at a new stage, at every tenth of it, and every few seconds if pictures take long."""
        tenth, now = int(done * TENTHS / max(1, self._total)), time.monotonic()
        if stage != self._stage:
            self._stage, self._told, self._began, self._from = stage, -1, now, done
            if stage == "opening the model":
                self._console.print(f"{stage} for {counted(self._total, 'picture')}", markup=False)
        nothing_new = tenth == self._told and now - self._last < EVERY
        at_once = stage == "planning" and self._told < 0 and done >= self._total
        if not done or nothing_new or at_once:
            return
        self._told, self._last = tenth, now
        failed = f", {progress.failed:,} failed" if progress.failed and progress.planned is None else ""
        count = progress.planned if progress.planned is not None else progress.done
        self._console.print(f"{stage}: {count:,} of {self._total:,}{failed}{self._left(done, now)}", markup=False)

    def _left(self, done: float, now: float) -> str:
        if done >= self._total or done <= self._from:
            return ""
        seconds = (now - self._began) / (done - self._from) * (self._total - done)
        return f", about {seconds:.0f} s left" if seconds < 100 else f", about {seconds / 60:.0f} min left"
