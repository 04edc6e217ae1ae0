"""Make the embedded model from nothing: every step in order, each resumed or skipped as it stands.

Each step is a process of its own, so that memory is given back and a killed step is the only one to resume. With ``--tiny``
every step runs on a budget of a few pictures, into ``training/work/tiny``: a model that shows nothing, made in minutes, to
see that all steps work together.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

from training.paths import DOWNLOADS, ROOT, SCRATCH
from training.progress import report

STEPS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("artwork", (), ()),
    ("tokenizer", (), ()),
    ("vae", ("--minutes", "60"), ("--images", "64")),
    ("latents", (), ("--part", "0.01")),
    ("decoder", ("--minutes", "30"), ("--images", "32")),
    ("base", ("--images", "420000"), ("--images", "64")),
    ("adapters.train", (), ("--images", "32")),
    ("embedding", (), ("--images", "32")),
    ("package", (), ()),
    ("upscaler", (), ("--images", "16", "--pairs", "32")),
    ("evaluate", (), ("--part", "0.02", "--write")),
    ("gallery", (), ("--steps", "2")),
)
"""Modules of this package in the order they need each other, with what they are told in a whole run and in a tiny one."""

SHIPPED_MODEL = ROOT / "lora_mixer" / "data" / "emoji" / "model"
SHIPPED = {"vae": SHIPPED_MODEL / "vae", "base": SHIPPED_MODEL}
"""Where steps can start instead of at new weights."""

WITHOUT_THREADS = frozenset({"artwork", "tokenizer", "latents"})


def main() -> None:
    """Run all steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--shipped", action="store_true", help="start VAE and base at the shipped weights")
    parser.add_argument("--tiny", action="store_true", help="a few pictures a step, into training/work/tiny")
    options = parser.parse_args()
    environment = dict(os.environ)
    if options.tiny:
        environment[SCRATCH] = str(DOWNLOADS / "tiny")
    for step, whole, tiny in STEPS:
        command = [sys.executable, "-m", f"training.{step}", *(tiny if options.tiny else whole)]
        if options.shipped and step in SHIPPED:
            command += ["--start", str(SHIPPED[step])]
        command += [] if step in WITHOUT_THREADS else ["--threads", str(options.threads)]
        report("all", step)
        subprocess.run(command, check=True, cwd=ROOT, env=environment)


if __name__ == "__main__":
    main()
