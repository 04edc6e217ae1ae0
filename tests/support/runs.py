"""Small runs on the embedded model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lora_mixer.promptfile.reading import PromptFile, read_prompt_text
from lora_mixer.runs.run import RunOptions, RunResult, run
from lora_mixer.workers.executor import Executor

SMALL = "--steps 1 --width 64 --height 64 --seed"
LINES = "\n".join(
    [f"cat {SMALL} 1", f"sun {SMALL} 2 --loras line_art=0.5", f"dog {SMALL} 3", f"cow {SMALL} 4 --loras line_art=0.5"]
)
TWO = RunOptions(batch=2, threads=1)


def plan_of(text: str = LINES) -> PromptFile:
    return read_prompt_text(text, Path("prompts.txt"))


def pixels(folder: Path) -> list[bytes]:
    found = []
    for path in sorted((folder / "images").glob("*.png")):
        with Image.open(path) as image:
            found.append(np.asarray(image).tobytes())
    return found


def again(folder: Path, crew: Executor, options: RunOptions = TWO, text: str = LINES) -> RunResult:
    return run(plan_of(text), folder, crew, options=options)
