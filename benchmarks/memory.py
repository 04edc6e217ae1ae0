"""Peak memory of opening a checkpoint, of putting a mix on and of a render. `python -m benchmarks memory`.

Values are MiB of resident memory, each phase over what the process held before it. The checkpoint is a single file in
CompVis' layout with the sizes of SD 1.5's UNet and text encoder and the embedded decoder, in bfloat16, so that nothing
has to be converted; the file's own pages, which the system takes back when it needs them, are counted.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import Row, finish, row
from benchmarks.sd15 import kohya_lora, mix, opened, sd15, unet_step
from lora_mixer.blend import MergeEngine
from lora_mixer.modules import DENOISER

STATUS = Path("/proc/self/statm")
PAGE = 4096
MEBI = 2**20


def measure() -> list[Row]:
    """Return peaks of resident memory against the sizes they are held against."""
    model = sd15()
    parameters = sum(p.nbytes for part in model.parts.values() for p in part.parameters())
    with tempfile.TemporaryDirectory() as folder:
        file = kohya_lora(model, Path(folder) / "a.safetensors", rank=32, seed=0)
        adapter = opened(model, file)
        patched = sum(model.module(name).get_parameter("weight").nbytes for name in adapter.layers)
        engine, step = MergeEngine(model, cache_mb=0), unet_step(model, rows=2)

        def put_on() -> None:
            with engine.applied([mix([adapter], [0.7])], parts=(DENOISER, "te1")):
                pass

        merging, first, later = _peak(put_on), _peak(step), _peak(step)
    return [
        row("memory to merge, MiB", merging, "the patched layers", patched / MEBI, bar=1.15),
        row("memory of the first step, packing included, MiB", first, "the model", parameters / MEBI),
        row("memory of a later step, MiB", later, "the model", parameters / MEBI),
    ]


def _peak(task: Callable[[], object]) -> float:
    """Return by how many MiB the resident memory grows at most while a task runs, looked at every millisecond."""
    before, peak, done = _resident(), _resident(), threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.is_set():
            peak = max(peak, _resident())
            time.sleep(0.001)

    watcher = threading.Thread(target=watch)
    watcher.start()
    task()
    done.set()
    watcher.join()
    return max(max(peak, _resident()) - before, 1) / MEBI


def _resident() -> int:
    return int(STATUS.read_text(encoding="ascii").split()[1]) * PAGE


if __name__ == "__main__":
    finish(measure())
