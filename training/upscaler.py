"""Train the embedded upscaler: what the base really paints at 128 pixels to the artwork at 256, in every look of the adapters.

The small picture of a pair is the artwork encoded, noised to a middle step, denoised by the base and decoded, so that the
network learns to undo just what this VAE and this base do to a picture; a share is only encoded and decoded. The large one is
the same drawing rendered at 256 pixels. The network is the product's own compact one (`lora_mixer.upscalers.compact`).
"""

from __future__ import annotations

import argparse
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn

from lora_mixer.models.opening import UPSCALER
from lora_mixer.upscalers.compact import Compact, CompactShape
from training.artwork import SIZE, render_sets
from training.loop import Budget, Loop, Progress, StepResult
from training.measures.examples import DENOISING_STEPS, split, through_model
from training.measures.mixtures import draw
from training.painter import Painter, open_painter
from training.paths import DATA, WORK
from training.pixels import shrink_to
from training.precision import mixed_precision
from training.progress import report
from training.vae import picture_loss
from training.wardrobe import Wardrobe

FOLDER = WORK / "upscaler"
FILE = FOLDER / "emoji-2x.safetensors"
SHAPE = CompactShape(width=48, depth=8, scale=2)
LARGE = SIZE * SHAPE.scale
PAIRS, CHUNK = 3000, 32
BATCH, CROP, RATE = 16, 64, 1e-3
"""Pieces a step, the edge of a small piece in pixels, and the highest learning rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Small pictures (N, 3, 128, 128) as the model paints them, and the artwork they show (N, 3, 256, 256), in 0..255."""

    small: NDArray[np.uint8]
    large: NDArray[np.uint8]

    def batch(self, count: int, crop: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return (count, 3, crop, crop) and (count, 3, 2 crop, 2 crop) pieces of the same places in 0..1."""
        rows = torch.randint(len(self.small), (count,), generator=generator).tolist()
        corners = torch.randint(SIZE - crop + 1, (count, 2), generator=generator).tolist()
        pieces = [
            (
                self.small[r, :, y : y + crop, x : x + crop],
                self.large[r, :, 2 * y :, 2 * x :][:, : 2 * crop, : 2 * crop],
            )
            for r, (y, x) in zip(rows, corners, strict=True)
        ]
        small, large = (torch.from_numpy(np.stack(side)).float() / 255 for side in zip(*pieces, strict=True))
        return small, large


def draw_pairs(painter: Painter, wardrobe: Wardrobe, rows: list[int], rng: random.Random) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, 128, 128) through the model and (N, 3, 256, 256) as drawn, two of every emoji, in drawn looks."""
    mixed = draw(wardrobe, rows, rng)
    large = mixed.pictures
    small = through_model(
        painter, type(mixed)(pictures=shrink_to(large, SIZE), amounts=mixed.amounts, rows=mixed.rows), rng
    )
    return small, large


def make_pairs(count: int, folder: Path = FOLDER) -> Pairs:
    """Draw the pairs, or take those that were drawn; a killed run goes on where it was."""
    render_sets(["noto"], LARGE)
    folder.mkdir(parents=True, exist_ok=True)
    painter, wardrobe = open_painter(), Wardrobe(LARGE)
    known, others, _ = split()
    for start in range(0, count, CHUNK):
        path = folder / f"pairs-{start:05d}.npz"
        if path.exists():
            continue
        rng = random.Random(start)
        rows = [rng.choice(known if rng.random() < 0.7 else others) for _ in range(min(CHUNK, count - start) // 2)]
        small, large = (
            ((one.clamp(0, 1) * 255).round().byte().numpy()) for one in draw_pairs(painter, wardrobe, rows, rng)
        )
        np.savez(path.with_suffix(".part.npz"), small=small, large=large)
        path.with_suffix(".part.npz").replace(path)
        report("upscaler", f"{start + CHUNK} of {count} pairs drawn, {DENOISING_STEPS} steps of the base each")
    parts = [np.load(path) for path in sorted(folder.glob("pairs-?????.npz"))]
    return Pairs(
        small=np.concatenate([one["small"] for one in parts]), large=np.concatenate([one["large"] for one in parts])
    )


def new_network() -> Compact:
    """A network that enlarges by nearest pixels until it is trained: its last layer starts at zero."""
    torch.manual_seed(0)
    network = Compact(SHAPE)
    last = network.body[-1]
    nn.init.zeros_(last.get_parameter("weight"))
    nn.init.zeros_(last.get_parameter("bias"))
    return network


def train_upscaler(pairs: Pairs, budget: Budget, folder: Path = FOLDER) -> Compact:
    """Train to the end of the budget; return the averaged network."""
    accelerator = Accelerator(mixed_precision=mixed_precision())
    network = new_network().to(accelerator.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.0)
    loop = Loop(
        name="upscaler",
        accelerator=accelerator,
        modules={"network": network},
        optimizer=optimizer,
        budget=budget,
        folder=folder,
        average_decay=0.995,
    )

    def step(_: Progress) -> StepResult:
        generator = torch.Generator().manual_seed(torch.initial_seed())
        small, large = (side.to(accelerator.device) for side in pairs.batch(BATCH, CROP, generator))
        enlarged = network(small).float()
        loss = picture_loss(enlarged * 2 - 1, large * 2 - 1)
        decibels = float(-10 * (enlarged.detach() - large).square().mean().log10())
        return StepResult(loss=loss, images=BATCH, logs={"dB": decibels})

    loop.run(step)
    loop.use_average()
    return network


def main() -> None:
    """Draw pairs and train, unless the file is there, and put it beside the packaged model, which paints the pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--images", type=int)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if FILE.exists():
        report("upscaler", "done already")
    else:
        network = train_upscaler(make_pairs(options.pairs), Budget(minutes=options.minutes, images=options.images))
        FOLDER.mkdir(parents=True, exist_ok=True)
        save_file({key: value.half().contiguous() for key, value in network.state_dict().items()}, FILE)
        report("upscaler", f"saved, {sum(value.numel() for value in network.parameters())} weights")
    shutil.copy(FILE, DATA / "model" / UPSCALER)


if __name__ == "__main__":
    main()
