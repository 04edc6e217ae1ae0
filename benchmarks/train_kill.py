"""Kill -9 at ten random steps, and a disk that is full half-way: the file is that of an undisturbed training, byte for byte.

`python -m benchmarks.train_kill [KILLS]`, about a minute of a core. Each training is a process of its own, forked from one that
has imported the program and opened the model, and has trained nothing. `SOURCE_DATE_EPOCH` fixes the times in the file. The
full disk is a limit on the size of files (RLIMIT_FSIZE) that the state does not fit under: the kernel itself refuses to write.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.context import ForkProcess
from pathlib import Path

import torch

from benchmarks.train_speed import MODEL, _draw
from lora_mixer.errors import LoraMixerError
from lora_mixer.models import Model
from lora_mixer.models.folder import open_folder
from lora_mixer.trainer import TrainSettings, train

KILLS, STEPS, EVERY = 10, 40, 3


def main() -> int:
    """Train undisturbed, killed and starved; print the table, and return 1 where the files differ."""
    kills = next((int(word) for word in sys.argv[1:] if word.isdigit()), KILLS)
    rng = random.Random(0)
    os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
    torch.set_num_threads(1)
    model = open_folder(MODEL, name="emoji", dtype=torch.float32)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _draw(folder / "pictures")
        whole, cut = (folder / which / "a.safetensors" for which in ("whole", "cut"))
        for output in (whole, cut):
            output.parent.mkdir()
        run = partial(_run, model, folder / "pictures")
        assert _ended(run(whole)) == 0
        killed_at = [_killed(partial(run, cut), cut, at) for at in sorted(rng.sample(range(1, STEPS), kills))]
        starved = _ended(run(cut, limit=20_000))
        finished = _ended(run(cut))
        same = _digest(whole) == _digest(cut)
        rows = (cut.parent / "a.training" / "losses.csv").read_bytes() == (
            whole.parent / "a.training" / "losses.csv"
        ).read_bytes()
    print("| measure | value | holds |\n|---|---|---|")
    print(f"| killed with -9 at steps | {', '.join(map(str, killed_at))} | |")
    print(f"| a full disk ends it with an error | exit {starved} | {'yes' if starved == 1 else 'no'} |")
    print(f"| the file is that of an undisturbed training, byte for byte | | {'yes' if same else 'no'} |")
    print(f"| losses.csv likewise | | {'yes' if rows else 'no'} |")
    return int(not (same and rows and starved == 1 and finished == 0))


def _killed(run: Callable[[], ForkProcess], output: Path, at: int) -> int:
    """Kill a training as soon as its table of losses has reached a step; return the step it had reached."""
    table = output.with_suffix(".training") / "losses.csv"
    running = run()
    try:
        while running.is_alive() and _steps(table) < at:
            time.sleep(0.02)
    finally:
        running.kill()
        running.join()
    return _steps(table)


def _steps(table: Path) -> int:
    return max(table.read_bytes().count(b"\n") - 1, 0) if table.exists() else 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(model: Model, pictures: Path, output: Path, limit: int | None = None) -> ForkProcess:
    """Begin a training, or go on, in a process of its own."""
    running = multiprocessing.get_context("fork").Process(target=_one, args=(model, pictures, output, limit))
    running.start()
    return running


def _ended(running: ForkProcess) -> int | None:
    """Wait for a training; return its exit status."""
    running.join()
    return running.exitcode


def _one(model: Model, pictures: Path, output: Path, limit: int | None) -> None:
    """Train in this process, or go on; no file may grow beyond the limit."""
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    asked = TrainSettings(
        steps=STEPS, batch=1, rank=2, resolution=64, checkpoint_every=EVERY, caption_dropout=0.3, rank_dropout=0.1
    )
    try:
        train(model, pictures, output, asked)
    except LoraMixerError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    raise SystemExit(main())
