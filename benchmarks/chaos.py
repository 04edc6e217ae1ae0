"""A run that is killed at random moments, its workers and itself, locally and on Ray, against one left in peace.

`make chaos`, or `python -m benchmarks.chaos --pictures 200 --kills 20 --steps 2`. It ends with exit code 0 only if every
picture is there, was entered once, and has the pixels of the run that was left in peace.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from lora_mixer.ledger.ledger import Ledger, read_entries

MIXES = ("", "line_art=0.5", "night_sky=0.7", "line_art=0.5;sepia=0.6", "top_hat=1")
WORDS = ("cat", "sun", "dog", "red heart", "cow", "blue star", "owl", "pizza")
WORKERS = ("ray::Actor", "multiprocessing.spawn import spawn_main")
ENGINES = (("--workers", "2"), ("--workers", "2", "--executor", "ray"))


def prompts(count: int, steps: int) -> str:
    """Return a prompt file of so many pictures with mixed LoRAs."""
    lines = []
    for number in range(count):
        mix = MIXES[number % len(MIXES)]
        line = f"{WORDS[number % len(WORDS)]} --steps {steps} --width 64 --height 64 --seed {number}"
        lines.append(line + (f" --loras {mix}" if mix else ""))
    return "\n".join(lines)


def started(file: Path, output: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start the command line on a prompt file."""
    fixed = ("--dtype", "float32", "--threads", "1", "--batch", "4")
    command = [sys.executable, "-W", "ignore", "-m", "lora_mixer_app", "render", str(file), "-o", str(output)]
    return subprocess.Popen([*command, *fixed, *options], stdout=subprocess.DEVNULL)


def workers_of(pid: int) -> list[psutil.Process]:
    """Return the processes that render for a run."""
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            words = " ".join(child.cmdline())
        except psutil.Error:
            continue
        if any(mark in words for mark in WORKERS):
            found.append(child)
    return found


def killed_again_and_again(file: Path, output: Path, kills: int, draw: random.Random) -> Counter[str]:
    """Kill runs and their workers at random moments until so many are dead, then let one end; return what was killed."""
    done: Counter[str] = Counter()
    while sum(done.values()) < kills:
        engine = ENGINES[done["local run"] + done["ray run"] & 1]
        name = "ray" if "ray" in engine else "local"
        process = started(file, output, *engine)
        while process.poll() is None and sum(done.values()) < kills:
            victim = _chosen(process, output, draw)
            if victim is None:
                continue
            kind = "run" if victim.pid == process.pid else "worker"
            victim.kill()
            done[f"{name} {kind}"] += 1
            print(f"killed a {name} {kind} with {len(read_entries(output))} pictures entered", flush=True)
        if process.poll() is None and sum(done.values()) >= kills:
            process.kill()  # one more, so that the last run is always a resumed one
        process.wait()
        if complete(file, output):
            break
    assert started(file, output, *ENGINES[0]).wait() == 0
    return done


def _chosen(process: subprocess.Popen[bytes], output: Path, draw: random.Random) -> psutil.Process | None:
    """Wait a random while, most often until pictures come, and return what to kill; None if there is nothing."""
    target = len(read_entries(output)) + draw.randint(0, 14)
    end = time.monotonic() + draw.uniform(2, 60)
    while process.poll() is None and len(read_entries(output)) < target and time.monotonic() < end:
        time.sleep(draw.uniform(0.001, 0.05))
    if process.poll() is not None:
        return None
    candidates = workers_of(process.pid)
    if not candidates or draw.random() < 0.4:
        return psutil.Process(process.pid)
    return draw.choice(candidates)


def complete(file: Path, output: Path) -> bool:
    """Return whether every picture is entered."""
    return len({entry.index for entry in read_entries(output)}) == len(file.read_text().splitlines())


def pixels(path: Path) -> np.ndarray:
    """Return a picture's values."""
    with Image.open(path) as image:
        return np.asarray(image)


def main() -> int:
    """Run the whole; print what was killed and what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, peace, chaos = Path(folder) / "prompts.txt", Path(folder) / "peace", Path(folder) / "chaos"
        file.write_text(prompts(given.pictures, given.steps))
        assert started(file, peace).wait() == 0
        print(f"{given.pictures} pictures in peace; seed {given.seed}", flush=True)
        done = killed_again_and_again(file, chaos, given.kills, random.Random(given.seed))
        entries, ledger = Counter(entry.index for entry in read_entries(chaos)), Ledger.read(chaos)
        pictures = sorted(path.name for path in (peace / "images").iterdir())
        same = [np.array_equal(pixels(peace / "images" / n), pixels(chaos / "images" / n)) for n in pictures]
        checks = {
            "every picture is there": sorted(p.name for p in (chaos / "images").iterdir()) == pictures,
            "each was entered exactly once": entries == Counter(range(given.pictures)),
            "each has the bytes that were entered": all(map(ledger.is_whole, range(given.pictures))),
            "each has the pixels of the run in peace": all(same),
        }
        print(f"killed: {dict(done)}")
        for what, holds in checks.items():
            print(f"{what}: {'yes' if holds else 'NO'}")
        return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
