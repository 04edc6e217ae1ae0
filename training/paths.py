"""Where the training steps keep what they make."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

SCRATCH = "LORA_MIXER_TRAINING"
"""The environment variable that sends everything a run makes to another folder, as ``training.all --tiny`` does."""

_HERE = os.environ.get(SCRATCH)
_BASE = Path(_HERE).resolve() if _HERE else None

DOWNLOADS = ROOT / "training" / "work"
"""Artwork packages and their renderings: the same for every run, never committed."""

WORK = _BASE / "work" if _BASE else DOWNLOADS
"""Checkpoints and results of the steps: never committed."""

DATA = _BASE / "data" if _BASE else ROOT / "lora_mixer" / "data" / "emoji"
"""The package data: the finished model, its LoRAs, its embedding and their licences."""

DOC_IMAGES = _BASE / "images" if _BASE else ROOT / "docs" / "images"
"""Contact sheets shown in ``docs/embedded-model.md``."""

RESULTS = _BASE / "results.json" if _BASE else ROOT / "training" / "results.json"
"""The last evaluation of the shipped weights."""
