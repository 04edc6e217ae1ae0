"""Make the embedded model from nothing: every step in order, each resumed or skipped as it stands.

Each step is a process of its own, so that memory is given back and a killed step is the only one to resume.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from training.paths import ROOT
from training.progress import report

STEPS = (
    "artwork",
    "tokenizer",
    "vae",
    "latents",
    "base",
    "adapters.train",
    "embedding",
    "package",
    "evaluate",
    "gallery",
)
"""Modules of this package, in the order they need each other."""

WITH_THREADS = frozenset({"vae", "base", "adapters.train", "embedding", "package", "evaluate", "gallery"})


def main() -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vae-minutes", type=float, default=30)
    parser.add_argument("--base-minutes", type=float, default=70)
    options = parser.parse_args()
    minutes = {"vae": options.vae_minutes, "base": options.base_minutes}
    for step in STEPS:
        command = [sys.executable, "-m", f"training.{step}"]
        command += ["--threads", str(options.threads)] if step in WITH_THREADS else []
        command += ["--minutes", str(minutes[step])] if step in minutes else []
        report("all", step)
        subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
