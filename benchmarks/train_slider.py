"""A slider trained from two prompts: in how many of 40 prompts it leads the whole way, strength by strength.

`python -m benchmarks.train_slider [FOLDER]`; it goes on where it was ended. What is measured is how much bluer than
yellow the edge of the picture is, where the background stands; the subjects are none that it was trained with.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from benchmarks.report import machine
from lora_mixer import LoraUse, Mixer, RenderRequest, Strength
from lora_mixer.trainer import SliderSettings, TrainSettings, Watch, train_slider

RESULT = Path(__file__).parent / "train_slider.json"
STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
STEPS, SIZE = 10, 128
BACK, SPAN = 0.01, 0.1
"""How far a strength may lead back, where the background is as blue as it gets; how far both ends must be apart."""
SLIDER = SliderSettings(
    positive="blue background",
    negative="yellow background",
    keep=("red heart", "cat", "car", "sun", "pizza", "tree", "book", "guitar"),
    pictures=24,
    steps=10,
)
SETTINGS = TrainSettings(
    slider=SLIDER, steps=80, batch=2, rank=4, rate=3e-3, warmup=0.05, resolution=SIZE, checkpoint_every=10
)
PROMPTS = (
    "rocket", "dog", "apple", "house", "umbrella", "fish", "bird", "flower", "moon", "star",
    "boat", "bicycle", "camera", "clock", "key", "bell", "crown", "hat", "shoe", "ball",
    "banana", "bread", "cake", "carrot", "cheese", "coffee", "egg", "grapes", "lemon", "mushroom",
    "bear", "bee", "butterfly", "elephant", "frog", "horse", "lion", "mouse", "owl", "penguin",
)  # fmt: skip


def edge(pixels: np.ndarray) -> float:
    """Return how much more blue than yellow the outermost eighth of a picture is, -1 to 1."""
    values, wide = pixels.astype(float) / 255, pixels.shape[0] // 8
    ring = np.ones(values.shape[:2], dtype=bool)
    ring[wide:-wide, wide:-wide] = False
    red, green, blue = values[ring].T
    return float((blue - (red + green) / 2).mean())


def is_monotone(edges: list[float]) -> bool:
    """Return whether a prompt is led the whole way."""
    return bool(np.all(np.diff(edges) > -BACK)) and edges[-1] - edges[0] > SPAN


def main(folder: Path) -> None:
    """Train, render what is missing, count, and write the result."""
    folder.mkdir(parents=True, exist_ok=True)
    mixer = Mixer.open("emoji", dtype="float32")
    output = folder / "blue_yellow.safetensors"
    if not output.exists():
        watch = Watch(on_step=lambda report: print(f"{report.step}/{report.of} {report.loss:.4f}", flush=True))
        train_slider(mixer, output, SETTINGS, watch=watch)
    rows = folder / "rows.jsonl"
    done = (
        {row["prompt"]: row["edges"] for row in map(json.loads, rows.read_text().splitlines())} if rows.exists() else {}
    )
    for number, prompt in enumerate(PROMPTS):
        if prompt not in done:
            done[prompt] = _edges(mixer, output, prompt, seed=number)
            with rows.open("a") as out:
                out.write(json.dumps({"prompt": prompt, "edges": done[prompt]}) + "\n")
            print(prompt, [round(value, 3) for value in done[prompt]], flush=True)
    counted = sum(is_monotone(done[prompt]) for prompt in PROMPTS)
    span = float(np.mean([done[prompt][-1] - done[prompt][0] for prompt in PROMPTS]))
    result = {
        "monotone": counted,
        "of": len(PROMPTS),
        "span": round(span, 3),
        "steps": SETTINGS.steps,
        "machine": machine(),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result))


def _edges(mixer: Mixer, output: Path, prompt: str, *, seed: int) -> list[float]:
    requests = [
        RenderRequest(
            prompt=prompt,
            seed=seed,
            steps=STEPS,
            width=SIZE,
            height=SIZE,
            upscale=1,
            loras=(LoraUse(name=str(output), strength=Strength(strength)),),
        )
        for strength in STRENGTHS
    ]
    return [edge(np.asarray(picture.image)) for picture in mixer.render_many(requests)]


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/train_slider"))
