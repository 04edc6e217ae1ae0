"""Train the shipped adapters on the finished base, one after another; each is skipped when its file is there.

Those that stand beside others are trained first.

Each picture is learned with its caption and with none, from the same noise, because guidance (Ho & Salimans 2022,
arXiv:2207.12598, eq. 6) makes several of every fault that one of the two predictions has and the other has not. And the
target is ``v`` of the picture with the look, plus a part of what the base alone gets wrong about the same picture without it
from the same noise: all of it at strength 0, nothing at 1. On average that is nothing, but it takes most of the chance out of
the target at low strengths, and a slider starts at the base's own picture. For the same reason the difference of the two
predictions shall be the base's own at strength 0; at 1 it is smaller than without an adapter, as guidance makes contrasts of
its own in what is a matter of tones, edges and blocks.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor
from transformers import CLIPTextModel

from training.adapters.adapter import Adapter, stacked
from training.adapters.data import BESIDE, ShownLatents
from training.adapters.read import read_adapter
from training.adapters.recipes import RECIPES, Recipe, find_recipe, training_order
from training.adapters.save import save_adapter
from training.base import load_base, use_plain_attention
from training.diffusion import alphas_cumprod, draw_times, noised
from training.loop import Budget, Loop, Progress, StepResult, cosine
from training.networks import Unet, open_vae
from training.paths import WORK
from training.precision import mixed_precision
from training.progress import report
from training.vae import FOLDER as VAE_FOLDER

FOLDER = WORK / "loras"
BATCH = 16

SOFTENED = 0.8
"""At strength 1 the prediction that is guided by 1 + this is the right one, so that a look is not overdone by more guidance."""

LEAST_DIVISOR = 0.25
"""Losses are divided by the strength, as what there is to learn shrinks with it; below this no more."""


def train_adapter(recipe: Recipe, folder: Path = FOLDER) -> Adapter:
    """Train one adapter to its number of pictures, or go on with it."""
    accelerator = Accelerator(mixed_precision=mixed_precision())
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
        generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
        shown = data.batch(BATCH, rng)
        times = draw_times(BATCH, generator, power=0.8).to(accelerator.device)
        noise = torch.randn(shown.latents.shape, generator=generator).to(accelerator.device)
        ids = tokenizer([*[""] * BATCH, *shown.captions], 32).to(accelerator.device)
        noisy, target = noised(shown.plain.to(accelerator.device), noise, times, alphas)
        with torch.no_grad():
            base_error = predictions(text, unet, noisy, times, ids) - target
        noisy, target = noised(shown.latents.to(accelerator.device), noise, times, alphas)
        beside = [(partners[shown.beside], BESIDE)] if shown.beside else []
        with stacked(beside), adapter.on(shown.strength):
            error = predictions(text, unet, noisy, times, ids) - target
        loss = look_loss(error, base_error, abs(shown.strength), guidance_weight=recipe.guidance_weight)
        return StepResult(loss=loss, images=BATCH)

    loop.run(step)
    loop.use_average()
    return adapter


def look_loss(error: Tensor, base_error: Tensor, amount: float, *, guidance_weight: float) -> Tensor:
    """What is to be made small at a strength of 0..1.

    Args:
        error: What the predictions without and with captions (2, N, ...) get wrong about pictures with the look.
        base_error: What the base alone gets wrong about the same pictures without it.
        amount: The strength without its sign.
        guidance_weight: How much the difference that guidance enlarges counts at strength 0; nothing at 1.

    """
    rest = 1 - amount
    without, named = error - rest * base_error
    guided = without + (1 + SOFTENED * amount) * (named - without)
    kept = (error - base_error).diff(dim=0)
    level = (without.square() + guided.square()).mean() / 2
    return (level + guidance_weight * rest * kept.square().mean()) / max(amount, LEAST_DIVISOR)


def predictions(text: CLIPTextModel, unet: Unet, noisy: Tensor, times: Tensor, ids: Tensor) -> Tensor:
    """The predictions (2, N, 4, 16, 16) for tokens (2N, T): without captions, and with them."""
    states = text(ids).last_hidden_state
    guess: Tensor = unet(noisy.repeat(2, 1, 1, 1), times.repeat(2), encoder_hidden_states=states).sample.float()
    return guess.unflatten(0, (2, -1))


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
