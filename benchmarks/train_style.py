"""A style from 30 pictures: in how many of 50 prompts the style detector sees it, how long it took, and what is left of it at 0.

`python -m benchmarks.train_style [--look LOOK]`; it goes on where it was ended. The pictures are emoji of `training/` in a look
that its detector knows, the captions name the subjects alone, and the prompts are subjects that were not among them. A style
is seen where it scores above 95 % of the model's own pictures of the same prompts. The first call trains the detector as well
(most of an hour on one core; `--detector 0.1` takes a tenth), which the minutes do not count.
"""

from __future__ import annotations

import random
from dataclasses import replace

import torch

from benchmarks.taught import Line, conclude, dressed, options_of, painted, save_pictures, taught, unharmed
from lora_mixer import Mixer
from lora_mixer.trainer import TrainSettings
from training import artwork
from training.captions import names_of
from training.measures.adapters import FALSE_ALARM
from training.measures.detector import EXAMPLES, make_detector
from training.painter import open_painter
from training.styles import PROCEDURAL
from training.subjects import subject_ids

PICTURES, PROMPTS, SEEN = 30, 50, 0.9
SETTINGS = TrainSettings(batch=4, rank=8, rate=3e-3, resolution=128, checkpoint_every=20, steps=600)


def main() -> int:
    """Train, render what is missing, and print the table; return 1 where a bar does not hold."""
    parser = options_of(__doc__, "train_style", SETTINGS.steps, PROMPTS)
    parser.add_argument("--look", choices=sorted(PROCEDURAL), default="night_sky")
    parser.add_argument("--detector", type=float, default=1.0, help="share of the examples the detector learns from")
    options = parser.parse_args()
    mixer = Mixer.open("emoji", dtype="float32", threads=options.threads)
    artwork.main()
    detector = make_detector(open_painter(), max(2, round(EXAMPLES * options.detector)))
    folder = options.folder / f"{options.look}-{options.steps}"
    learned, asked = subjects(options.prompts)
    names = {row: names_of(artwork.load_emoji()[row])[0] for row in (*learned, *asked)}
    save_pictures(folder / "pictures", dressed(learned, options.look), [names[row] for row in learned])
    before, prompts = mixer.model.checksum(), [names[row] for row in asked]
    settings = replace(SETTINGS, steps=options.steps)
    made = taught(mixer, folder / "pictures", folder / "style.safetensors", settings)
    without = painted(mixer, folder, prompts)
    at_0, at_1 = (painted(mixer, folder, prompts, made.path, strength) for strength in (0.0, 1.0))
    scores, plain = detector.score(at_1, options.look), detector.score(without, options.look)
    seen = int((scores > plain.quantile(FALSE_ALARM)).sum())
    lines = [
        Line.of_minutes(options.look, made, settings, options.threads),
        Line.of_share("seen at 1, of prompts", seen, len(prompts), SEEN),
        Line(
            measure="mean amount of the look without it, at 0, at 1",
            value=", ".join(f"{float(detector.score(one, options.look).mean()):.2f}" for one in (without, at_0, at_1)),
        ),
        Line(
            measure="pictures at 0 that are the model's own, pixel by pixel",
            value=f"{sum(torch.equal(*pair) for pair in zip(at_0, without, strict=True))} of {len(prompts)}",
            bar="all",
            holds=torch.equal(at_0, without),
        ),
        unharmed(mixer, before),
    ]
    return conclude(lines)


def subjects(prompts: int) -> tuple[list[int], list[int]]:
    """Return the rows of the emoji that are learned from, and of those that are asked for: none of both."""
    rows = subject_ids(artwork.load_emoji())
    mixed = random.Random(31).sample(rows, len(rows))
    return sorted(mixed[:PICTURES]), mixed[PICTURES : PICTURES + prompts]


if __name__ == "__main__":
    raise SystemExit(main())
