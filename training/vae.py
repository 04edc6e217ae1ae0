"""Train the VAE: 128-pixel pictures of all artwork sets and styles to (4, 16, 16) latents and back.

The first part of the budget is spent on half-size pictures, where a step is four times cheaper and the local features that
matter are learned; the rest on full size. The networks are fully convolutional, so nothing changes in between.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.artwork import SIZE, load_emoji, load_pictures
from training.colours import COLOURS
from training.linear import start_linear
from training.loop import Budget, Loop, Progress, StepResult
from training.networks import LATENT_CHANNELS, WIDTHS, Vae, make_vae, open_vae
from training.paths import WORK
from training.pixels import composite, in_batches, place, rotate_hue, to_artwork
from training.precision import autocast, mixed_precision
from training.progress import report
from training.styles import PROCEDURAL, Style
from training.subjects import subject_ids

FOLDER = WORK / "vae"
SETS = ("noto", "noto", "twemoji", "fluent")
"""Artwork sets a picture is drawn from; the base's own style counts twice."""

HALF_SIZE_SHARE = 0.6
"""Share of the budget that is spent on 64-pixel pictures."""

RATE, RATE_AGAIN = 1e-3, 6e-4
"""The highest learning rate, of new networks and of trained ones."""
KL_WEIGHT = 1e-4
EDGE_WEIGHT = 0.5
FLAT_WEIGHT, FLAT = 1.0, 0.03
TONE_WEIGHT, CHROMA_WEIGHT = 4.0, 8.0


class VaePictures:
    """Random training pictures: any set, any background, some recoloured, some in a procedural style."""

    def __init__(self, styles: Mapping[str, Style] = PROCEDURAL, styled: float = 0.15) -> None:
        """Load the artwork and set the held-out rows aside; ``styled`` is the share of pictures in a style."""
        self.styles, self.styled = tuple(styles.values()), styled
        emoji = load_emoji()
        held = set(held_rows(len(emoji)))
        self.subjects = torch.tensor([row for row in subject_ids(emoji) if row not in held])
        self.everything = torch.tensor([row for row in range(len(emoji)) if row not in held])
        self.artwork = {name: torch.from_numpy(load_pictures(name).copy()) for name in set(SETS)}
        self.palette = torch.tensor(list(COLOURS.values())) / 255

    def batch(self, count: int, size: int, generator: torch.Generator) -> Tensor:
        """Return (count, 3, size, size) pieces of whole pictures in -1..1, from as few pictures as hold them."""
        across = SIZE // size
        pictures = self.whole(-(-count // across), generator)
        if across == 1:
            return pictures
        corners = torch.randint(SIZE - size + 1, (across, 2), generator=generator).tolist()
        return torch.cat([pictures[:, :, y : y + size, x : x + size] for y, x in corners])[:count]

    def whole(self, count: int, generator: torch.Generator) -> Tensor:
        """Return (count, 3, 128, 128) pictures in -1..1."""
        name = SETS[int(torch.randint(len(SETS), (), generator=generator))]
        pool = self.subjects if torch.rand((), generator=generator) < 0.7 else self.everything
        rows = pool[torch.randint(len(pool), (count,), generator=generator)]
        artwork = place(to_artwork(self.artwork[name][rows]), generator, shrink=0.2)
        chance = torch.rand(3, generator=generator)
        if chance[0] < 0.4:
            artwork = rotate_hue(artwork, torch.rand(count, generator=generator) * 360)
        if chance[1] < self.styled:
            style = self.styles[int(torch.randint(len(self.styles), (), generator=generator))]
            pictures = style(artwork)
        else:
            background = self.palette[torch.randint(len(self.palette), (count,), generator=generator)]
            white = torch.rand(count, generator=generator) < 0.5
            pictures = composite(artwork, torch.where(white[:, None], 1.0, background))
        if chance[2] < 0.5:
            pictures = pictures.flip(-1)
        return pictures * 2 - 1


def held_rows(count: int) -> list[int]:
    """Emoji the VAE never sees: every sixteenth, in every set."""
    return list(range(7, count, 16))


def held_pictures() -> Tensor:
    """The held-out Noto pictures on white, (N, 3, 128, 128) in -1..1."""
    noto = load_pictures("noto")
    artwork = to_artwork(torch.from_numpy(noto[held_rows(len(noto))]))
    return composite(artwork, torch.ones(len(artwork), 3)) * 2 - 1


@torch.no_grad()
def psnr(vae: Vae, pictures: Tensor, batch: int = 16) -> float:
    """Mean over pictures of the peak signal-to-noise ratio of the reconstruction, in dB on a 0..1 scale."""
    ratios, device = [], next(vae.parameters()).device
    for part in in_batches(pictures, batch):
        chunk = part.to(device)
        with autocast(device):
            mean = vae.encode(chunk).latent_dist.mode()
            restored = vae.decode(mean).sample.float().clamp(-1, 1)
        errors = ((restored - chunk) / 2).square().mean((1, 2, 3))
        ratios.append(-10 * errors.clamp_min(1e-10).log10())
    return float(torch.cat(ratios).mean())


def picture_loss(restored: Tensor, pictures: Tensor) -> Tensor:
    """L1 and squared error on pixels, L1 on neighbour differences (edges), L1 where nothing is, squared error of 8-pixel means.

    An eye sees a pattern in a flat area long before it sees the same error at an edge, so flat areas count more. The means, and their chroma above all, make the encoder spend latents on colour early: without them it settles for
    sharp pictures of the wrong hue.
    """
    error = restored - pictures
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    tone = F.avg_pool2d(error, 8)
    chroma = tone - tone.mean(1, keepdim=True)
    colour = TONE_WEIGHT * tone.square().mean() + CHROMA_WEIGHT * chroma.square().mean()
    calm = flat_areas(pictures)
    unrest = (error.abs() * calm).mean() + (error - F.avg_pool2d(error, 9, 1, 4)).abs().mul(calm).mean()
    return error.abs().mean() + 2 * error.square().mean() + EDGE_WEIGHT * edges + FLAT_WEIGHT * unrest + colour


def flat_areas(pictures: Tensor) -> Tensor:
    """1 where the 5 x 5 pixels around are of one colour, else 0: (N, 3, H, W) in -1..1 to (N, 1, H, W)."""
    high, low = F.max_pool2d(pictures, 5, 1, 2), -F.max_pool2d(-pictures, 5, 1, 2)
    return ((high - low).amax(1, keepdim=True) < FLAT).to(pictures)


def vae_loss(restored: Tensor, pictures: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """The pictures' loss, and a slight pull of the latents to a unit Gaussian."""
    divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
    return picture_loss(restored, pictures) + KL_WEIGHT * divergence


def train_vae(
    budget: Budget,
    batch: int = 8,
    folder: Path = FOLDER,
    *,
    latent_channels: int = LATENT_CHANNELS,
    widths: tuple[int, ...] = WIDTHS,
    start: Path | None = None,
    linear: bool = True,
) -> Vae:
    """Train to the end of the budget and return the averaged VAE.

    Args:
        budget: When to stop.
        batch: Pictures a step.
        folder: Where checkpoints are kept.
        latent_channels: Numbers in a latent cell.
        widths: Of the blocks, the finest first.
        start: Diffusers folder of a VAE to go on with, in place of a new one.
        linear: Whether a new one starts at a linear code, not at random weights.

    """
    accelerator = Accelerator(mixed_precision=mixed_precision())
    torch.manual_seed(0)
    vae = open_vae(start).train() if start else make_vae(latent_channels, widths)
    if linear and not start and not (folder / "checkpoint.pt").exists():
        shown = VaePictures()
        start_linear(vae, torch.cat([shown.batch(8, SIZE, torch.Generator().manual_seed(i)) for i in range(12)]))
        report("vae", f"held-out PSNR {psnr(vae, held_pictures()[::3]):.2f} dB of the linear start")
    vae = vae.to(accelerator.device)
    optimizer = torch.optim.AdamW(
        vae.parameters(), lr=RATE_AGAIN if start else RATE, betas=(0.9, 0.99), weight_decay=1e-4
    )
    pictures, held = VaePictures(), held_pictures()[::3]
    loop = Loop(
        name="vae",
        accelerator=accelerator,
        modules={"vae": vae},
        optimizer=optimizer,
        budget=budget,
        folder=folder,
        average_decay=0.995,
    )

    def step(progress: Progress) -> StepResult:
        generator = torch.Generator().manual_seed(torch.initial_seed())
        half = budget.fraction(progress) < HALF_SIZE_SHARE
        size, count = (64, batch) if half else (128, batch)
        truth = pictures.batch(count, size, generator).to(accelerator.device)
        posterior = vae.encode(truth).latent_dist
        restored = vae.decode(posterior.sample()).sample
        loss = vae_loss(restored.float(), truth, posterior.mean.float(), posterior.logvar.float())
        quality = -10 * math.log10(float(F.mse_loss(restored.detach().float(), truth)) / 4)
        return StepResult(loss=loss, images=count, logs={"dB": quality})

    def watch(_: Progress) -> str:
        return f"held-out PSNR {psnr(vae, held):.2f} dB (weights of this moment)"

    loop.run(step, watch)
    loop.use_average()
    return vae


def main() -> None:
    """Train the VAE unless it is there, and save it as a diffusers folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=22)
    parser.add_argument("--images", type=int)
    parser.add_argument("--latent-channels", type=int, default=LATENT_CHANNELS)
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--random", action="store_true", help="start at random weights, not at a linear code")
    parser.add_argument("--start", type=Path, help="diffusers folder of a VAE to go on with, as the shipped one's")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if (options.folder / "raw" / "config.json").exists():
        report("vae", "done already")
        return
    vae = train_vae(
        Budget(minutes=options.minutes, images=options.images),
        folder=options.folder,
        latent_channels=options.latent_channels,
        widths=tuple(options.widths),
        start=options.start,
        linear=not options.random,
    )
    report("vae", f"held-out PSNR {psnr(vae, held_pictures()):.2f} dB")
    vae.save_pretrained(options.folder / "raw")


if __name__ == "__main__":
    main()
