"""Where the training steps keep what they make."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository."""

WORK = ROOT / "training" / "work"
"""Downloads, renderings and checkpoints: never committed."""

DATA = ROOT / "lora_mixer" / "data" / "emoji"
"""The package data: the finished model, its LoRAs, its embedding and their licences."""

DOC_IMAGES = ROOT / "docs" / "images"
"""Contact sheets shown in ``docs/embedded-model.md``."""

RESULTS = ROOT / "training" / "results.json"
"""The last evaluation of the shipped weights."""
