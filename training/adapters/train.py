"""Train the shipped adapters on the finished base, one after another; each is skipped when its file is there.

Those that stand beside others are trained first.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]

from training.adapters.adapter import Adapter, stacked
from training.adapters.data import BESIDE, ShownLatents
from training.adapters.read import read_adapter
from training.adapters.recipes import RECIPES, Recipe, find_recipe, training_order
from training.adapters.save import save_adapter
from training.base import load_base, use_plain_attention
from training.diffusion import alphas_cumprod, draw_times, noised
from training.loop import Budget, Loop, Progress, StepResult, cosine
from training.networks import open_vae
from training.paths import WORK
from training.progress import report
from training.vae import FOLDER as VAE_FOLDER

FOLDER = WORK / "loras"
BATCH = 16


def train_adapter(recipe: Recipe, folder: Path = FOLDER) -> Adapter:
    """Train one adapter to its number of pictures, or go on with it."""
    accelerator = Accelerator(mixed_precision="bf16")
    text, unet, tokenizer = load_base()
    use_plain_attention(unet)
    for model in (text, unet):
        model.to(accelerator.device).requires_grad_(requires_grad=False)
    vae = open_vae(VAE_FOLDER / "finished")
    data = ShownLatents(recipe, vae)
    partners = {name: read_adapter(folder / f"{name}.safetensors", text, unet) for name in recipe.beside}
    torch.manual_seed(0)
    adapter = Adapter(recipe, text, unet).to(accelerator.device)
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=recipe.rate, betas=(0.9, 0.99), weight_decay=0.0)
    alphas = alphas_cumprod().to(accelerator.device)
    loop = Loop(
        name=recipe.name,
        accelerator=accelerator,
        modules={"adapter": adapter},
        optimizer=optimizer,
        budget=Budget(images=recipe.images),
        folder=folder / f"{recipe.name}.run",
        shape=cosine,
        warm_up=20,
        average_decay=0.99,
    )

    def step(_: Progress) -> StepResult:
        seed = torch.initial_seed()
        generator = torch.Generator().manual_seed(seed)
        shown = data.batch(BATCH, random.Random(seed))
        times = draw_times(BATCH, generator, power=0.8).to(accelerator.device)
        noise = torch.randn(shown.latents.shape, generator=generator)
        noisy, target = noised(shown.latents.to(accelerator.device), noise.to(accelerator.device), times, alphas)
        beside = [(partners[shown.beside], BESIDE)] if shown.beside else []
        with stacked(beside), adapter.on(shown.strength):
            hidden = text(tokenizer(shown.captions, 32).to(accelerator.device)).last_hidden_state
            guess = unet(noisy, times, encoder_hidden_states=hidden).sample.float()
        loss = (guess - target).square().mean()
        return StepResult(loss=loss, images=BATCH)

    loop.run(step)
    loop.use_average()
    return adapter


def main() -> None:
    """Train all adapters, or the named ones and those they are trained beside."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[recipe.name for recipe in RECIPES])
    parser.add_argument("--images", type=int, help="pictures to train on, in place of the recipe's number")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for name in training_order(options.only):
        recipe, target = find_recipe(name), FOLDER / f"{name}.safetensors"
        if options.images is not None:
            recipe = replace(recipe, images=options.images)
        if target.exists():
            report(name, "done already")
            continue
        started = datetime.now(UTC)
        adapter = train_adapter(recipe)
        save_adapter(adapter, recipe, target, started=started, batch=BATCH)
        report(name, f"saved, {target.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
