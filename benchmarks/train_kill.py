"""Kill -9 at ten random steps, and a disk that is full half-way: the file is that of an undisturbed training, byte for byte.

`python -m benchmarks.train_kill [KILLS]`, about three minutes of a core. `SOURCE_DATE_EPOCH` fixes the times in the file. The
full disk is a limit on the size of files (RLIMIT_FSIZE) that the state does not fit under: the kernel itself refuses to write.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.train_speed import MODEL, _draw

KILLS, STEPS, EVERY = 10, 40, 3


def main() -> int:
    """Train undisturbed, killed and starved; print the table, and return 1 where the files differ."""
    kills = next((int(word) for word in sys.argv[1:] if word.isdigit()), KILLS)
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _draw(folder / "pictures")
        whole = folder / "whole" / "a.safetensors"
        cut = folder / "cut" / "a.safetensors"
        for output in (whole, cut):
            output.parent.mkdir()
        assert _run(folder, whole).wait() == 0
        killed_at = [_killed(folder, cut, at) for at in sorted(rng.sample(range(1, STEPS), kills))]
        starved = _run(folder, cut, limit=20_000).wait()
        finished = _run(folder, cut).wait()
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


def _killed(folder: Path, output: Path, at: int) -> int:
    """Kill a training as soon as its table of losses has reached a step; return the step it had reached."""
    table = output.with_suffix(".training") / "losses.csv"
    run = _run(folder, output)
    try:
        while run.poll() is None and _steps(table) < at:
            time.sleep(0.05)
        if run.poll() is None:
            run.send_signal(signal.SIGKILL)
    finally:
        run.wait()
    return _steps(table)


def _steps(table: Path) -> int:
    return max(table.read_bytes().count(b"\n") - 1, 0) if table.exists() else 0


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(folder: Path, output: Path, limit: int | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.train_kill", "one", str(folder), str(output)]
    own = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}

    return subprocess.Popen([*command, str(limit)] if limit else command, env=own)


def _one(folder: Path, output: Path, limit: int | None = None) -> int:
    """Train in this process, or go on; no file may grow beyond the limit."""
    import torch

    from lora_mixer.errors import LoraMixerError
    from lora_mixer.models.folder import open_folder
    from lora_mixer.trainer import TrainSettings, train

    torch.set_num_threads(1)
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    asked = TrainSettings(
        steps=STEPS, batch=1, rank=2, resolution=64, checkpoint_every=EVERY, caption_dropout=0.3, rank_dropout=0.1
    )
    try:
        train(open_folder(MODEL, name="emoji", dtype=torch.float32), folder / "pictures", output, asked)
    except LoraMixerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        raise SystemExit(_one(Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:])))
    raise SystemExit(main())
