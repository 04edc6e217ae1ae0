"""A concept from 8 pictures: is it found by its trigger, and by nothing else?

`python -m benchmarks.train_concept [--emoji NAME]`; it goes on where it was ended. The concept is an emoji that the model was
never shown, under a made-up word; the model's own subjects are the regularisation pictures. It is found where its artwork is
among the ten nearest to a picture, of all subjects' and its own (`training.measures.retrieval`).
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.taught import Line, conclude, dressed, options_of, painted, save_pictures, taught, unharmed
from lora_mixer import Mixer
from lora_mixer.trainer import TrainSettings
from training import artwork
from training.captions import names_of
from training.colours import COLOURS
from training.measures.base import PHRASES
from training.measures.retrieval import ranks
from training.pixels import composite, place
from training.subjects import subject_ids
from training.wardrobe import emoji_artwork

TRIGGER = "zwibble"
PAPERS = ("white", "white", "white", "white", "blue", "yellow", "green", "pink")
"""One a picture; those that are not white are in the caption."""
REPEATS, PRIORS, PROMPTS, OTHERS = 3, 24, 20, 30
NEAR, FOUND, STRAY = 10, 0.9, 0.1
SETTINGS = TrainSettings(
    batch=4, rank=8, rate=2e-3, text_rate=5e-4, trigger=TRIGGER, resolution=128, checkpoint_every=20, steps=400
)


def main() -> int:
    """Train, render what is missing, and print the table; return 1 where a bar does not hold."""
    parser = options_of(__doc__, "train_concept", SETTINGS.steps, PROMPTS)
    parser.add_argument("--emoji", default="peacock", help="the label of one that the model does not know")
    options = parser.parse_args()
    mixer = Mixer.open("emoji", dtype="float32", threads=options.threads)
    artwork.main()
    emoji = artwork.load_emoji()
    rows = subject_ids(emoji)
    concept = next(number for number, one in enumerate(emoji) if one.label == options.emoji)
    if concept in rows:
        parser.error(f"the model knows {options.emoji} already")
    mixed = random.Random(32).sample(rows, PRIORS + OTHERS)
    folder = options.folder / f"{options.emoji}-{options.steps}"
    draw(folder, concept, mixed[:PRIORS], [names_of(emoji[row])[0] for row in mixed[:PRIORS]])
    before, real = mixer.model.checksum(), dressed([*rows, concept])
    settings = replace(SETTINGS, steps=options.steps)
    made = taught(mixer, folder / "pictures", folder / "concept.safetensors", settings, regularisation=folder / "prior")
    called = [PHRASES[number % len(PHRASES)].format(TRIGGER) for number in range(options.prompts)]
    others = mixed[PRIORS:]
    prompts = [*called, *(names_of(emoji[row])[0] for row in others)]
    wanted = [len(rows)] * len(called) + [rows.index(row) for row in others]
    at_0 = found(painted(mixer, folder, prompts, made.path, 0.0), real, wanted)
    pictures = painted(mixer, folder, prompts, made.path)
    at_1 = found(pictures, real, wanted)
    count = len(called)
    stray = sum(found(pictures[count:], real, [len(rows)] * len(others), near=1))
    lines = [
        Line.of_minutes(options.emoji, made, settings, options.threads),
        Line.of_share("found by its trigger at 1", sum(at_1[:count]), count, FOUND),
        Line(measure="found by its trigger at 0", value=f"{sum(at_0[:count])} of {count}"),
        Line.of_share(
            "nearest of all where another subject was asked for, at 1", stray, len(others), STRAY, at_most=True
        ),
        Line(
            measure="other subjects that are found, at 0 and at 1",
            value=f"{sum(at_0[count:])} and {sum(at_1[count:])} of {len(others)}",
        ),
        unharmed(mixer, before),
    ]
    return conclude(lines)


def draw(folder: Path, concept: int, priors: list[int], names: list[str]) -> None:
    """Write the concept's pictures, each a little elsewhere, and those of what the model knew."""
    one = emoji_artwork("noto", [concept]).expand(len(PAPERS), -1, -1, -1)
    papers = torch.tensor([COLOURS[name] for name in PAPERS]) / 255
    pictures = composite(place(one, torch.Generator().manual_seed(33)), papers)
    captions = [TRIGGER if name == "white" else f"{TRIGGER}, {name} background" for name in PAPERS]
    save_pictures(folder / "pictures" / f"{REPEATS}_{TRIGGER}", pictures, captions)
    save_pictures(folder / "prior", dressed(priors), names)


def found(pictures: Tensor, real: Tensor, wanted: list[int], near: int = NEAR) -> list[bool]:
    """Return whether what is wanted is among the nearest to each picture."""
    return [rank <= near for rank in ranks(pictures, real, wanted)]


if __name__ == "__main__":
    raise SystemExit(main())
