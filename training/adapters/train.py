"""Train the shipped adapters on the finished base by the product's own trainer; each is skipped when its file is there.

What is special here are the lessons (`looks`, `consistency`) and the recipes; layers, optimizer, state and files are
`lora_mixer.trainer`'s. Adapters that stand beside others are trained first.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import torch

from lora_mixer.models import Model
from lora_mixer.trainer import TrainSettings, Watch, learn
from lora_mixer.trainer.lesson import Lesson
from lora_mixer.trainer.training import StepReport
from training.adapters.consistency import ConsistencyLesson
from training.adapters.data import ShownLatents
from training.adapters.looks import LookLesson
from training.adapters.recipes import RECIPES, Recipe, find_recipe, training_order
from training.assemble import write_model
from training.base import Looks
from training.painter import open_emoji
from training.paths import WORK
from training.precision import mixed_precision
from training.progress import report
from training.wearing import Wearing

FOLDER = WORK / "loras"
MODEL = WORK / "model"
"""The base and the VAE as the product opens them."""

BATCH = 16
TOLD = 20
"""Steps between two lines of progress."""


def train_adapter(recipe: Recipe, model: Model, folder: Path = FOLDER) -> Path:
    """Train one adapter to its number of pictures, or go on with it."""
    settings = settings_of(recipe)
    watch = Watch(on_step=lambda step: tell(recipe, step), say=lambda text: report(recipe.name, text))
    target = folder / f"{recipe.name}.safetensors"
    made = learn(model, lesson_of(recipe, model, folder), target, settings, what=recipe.name, watch=watch)
    return made.path


def lesson_of(recipe: Recipe, model: Model, folder: Path) -> Lesson:
    """What an adapter learns."""
    if recipe.look:
        return LookLesson(ShownLatents(recipe, model.vae), Wearing(model, folder))
    return ConsistencyLesson(Looks())


def settings_of(recipe: Recipe) -> TrainSettings:
    """What the product's trainer is told."""
    common = TrainSettings(
        steps=-(-recipe.images // BATCH),
        batch=BATCH,
        warmup=20,
        weight_decay=0.0,
        trigger=recipe.trigger or None,
        precision={"no": "float32", "bf16": "bfloat16", "fp16": "float16"}[mixed_precision()],
    )
    return common.over(recipe.settings)


def tell(recipe: Recipe, step: StepReport) -> None:
    """Print a line of progress now and then."""
    if step.step % TOLD == 0 or step.step == step.of:
        report(recipe.name, f"step {step.step} of {step.of} loss {step.loss:.4f} rate {step.rate:.1e}")


def open_base() -> Model:
    """The base as the product opens it, put together anew if there is none."""
    if not (MODEL / "model_index.json").exists():
        write_model(MODEL)
    model = open_emoji(MODEL)
    model.name = "lora-mixer-emoji"
    return model


def main() -> None:
    """Train all adapters, or the named ones and those they are trained beside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[recipe.name for recipe in RECIPES])
    parser.add_argument("--images", type=int, help="pictures to train on, in place of the recipe's number")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model: Model | None = None
    for name in training_order(options.only):
        recipe, target = find_recipe(name), FOLDER / f"{name}.safetensors"
        if options.images is not None:
            recipe = replace(recipe, images=options.images)
        if target.exists():
            report(name, "done already")
            continue
        model = model or open_base()
        train_adapter(recipe, model)
        shutil.rmtree(target.with_suffix(".training"))
        report(name, f"saved, {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
