"""Two workers against one, one thread each, on the embedded model: seconds a picture. `python -m benchmarks workers`.

Taken from the second half of a run, when every worker has its model open.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import Row, finish, row
from lora_mixer.promptfile.reading import read_prompt_text
from lora_mixer.runs.run import RunOptions, RunProgress, run
from lora_mixer.workers.executor import Executor, MixerOptions
from lora_mixer.workers.processes import ProcessExecutor
from lora_mixer.workers.ray import RayExecutor

PICTURES = 96
SETUP = MixerOptions(model="emoji", dtype="float32")
CREWS: tuple[tuple[str, Callable[[int], Executor]], ...] = (
    ("local workers", lambda count: ProcessExecutor(SETUP, count)),
    ("Ray workers", lambda count: RayExecutor(SETUP, count)),
)


def seconds_each(executor: Executor) -> float:
    """Return the seconds a picture takes in the second half of a run."""
    text = "\n".join(f"cat --steps 6 --seed {n} --loras line_art=0.{n % 3 + 1}" for n in range(PICTURES))
    marks: list[tuple[float, int]] = []

    def mark(standing: RunProgress) -> None:
        if standing.done >= PICTURES / 2 and (not marks or marks[-1][1] != standing.done):
            marks.append((time.perf_counter(), standing.done))

    with tempfile.TemporaryDirectory() as folder:
        plan = read_prompt_text(text, Path("prompts.txt"))
        run(plan, Path(folder), executor, options=RunOptions(threads=1), on_progress=mark)
    (begun, first), (ended, last) = marks[0], marks[-1]
    return (ended - begun) / (last - first)


def measure() -> list[Row]:
    """Return two workers' time against one's."""
    rows = []
    for name, executor in CREWS:
        one, two = seconds_each(executor(1)), seconds_each(executor(2))
        title = f"{PICTURES} pictures, 6 steps, one thread a worker"
        rows.append(row(title, two, f"one of two {name}", one, bar=1 / 1.6))
    return rows


if __name__ == "__main__":
    finish(measure())
