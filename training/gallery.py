"""Paint the contact sheets of ``docs/embedded-model.md``."""

from __future__ import annotations

import argparse

import torch

from training.adapters.recipes import RECIPES
from training.painter import open_emoji, painter_of
from training.paths import DATA, DOC_IMAGES
from training.sheets import grid, save_small
from training.wardrobe import SIGNED
from training.wearing import Wearing

BASE_PROMPTS = (
    "red heart",
    "blue heart",
    "green heart",
    "cat",
    "blue cat",
    "green apple",
    "red apple, blue background",
    "grinning face",
    "rocket",
    "pizza",
    "dog",
    "car",
    "tree",
    "house",
    "rocket, blue background",
    "cat, black background",
    "ghost",
    "guitar",
    "fish",
    "rose",
    "owl",
    "robot",
    "crown",
    "sun",
    "banana",
    "strawberry",
    "snowman",
    "fire",
    "skull",
    "purple car",
    "panda",
    "penguin",
    "hamburger",
    "umbrella",
    "butterfly",
    "balloon",
    "star",
    "mushroom",
    "pink elephant",
    "yellow house, green background",
)
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
BLENDS = (("line_art", "top_hat"), ("night_sky", "top_hat"), ("sepia", "top_hat"), ("night_sky", "pixel_art"))


def main() -> None:
    """Paint the base sheet, one row an adapter and prompt, and the blends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=25)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = open_emoji()
    painter, worn = painter_of(model), Wearing(model, DATA / "loras")
    prompts = list(BASE_PROMPTS)
    save_small(grid(painter.paint(prompts, steps=options.steps), prompts, 8), DOC_IMAGES / "embedded-base.png")
    columns, labels = [], []
    for recipe in (one for one in RECIPES if one.look):
        strengths = (-1.0, -0.5, 0.0, 0.5, 1.0) if recipe.name in SIGNED else STRENGTHS
        for strength in strengths:
            with worn.on({recipe.name: strength}):
                columns.append(painter.paint(["cat", "house"], seeds=[1, 2], steps=options.steps))
            labels += [f"{recipe.name} {strength:g}", "house"]
    save_small(grid(torch.cat(columns), labels, 10), DOC_IMAGES / "embedded-adapters.png")
    pictures, labels = [], []
    for pair in BLENDS:
        with worn.on(dict.fromkeys(pair, 0.7)):
            pictures.append(
                painter.paint(["cat", "panda", "frog", "grinning face"], seeds=[1, 2, 3, 4], steps=options.steps)
            )
        labels += [" + ".join(pair)] + ["0.7 + 0.7"] * 3
    save_small(grid(torch.cat(pictures), labels, 8), DOC_IMAGES / "embedded-blends.png")


if __name__ == "__main__":
    main()
