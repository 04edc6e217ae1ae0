"""Compare autoencoders: the table their latents are chosen by, and a sheet of what they make of pictures they never saw.

python -m training.measures.autoencoder lora_mixer/data/emoji/model/vae OTHER ... --sheet sheet.png
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from training.networks import Vae, open_vae
from training.pixels import in_batches
from training.precision import autocast
from training.sheets import grid
from training.vae import held_pictures

FLAT = 1 / 255
"""Neighbours that differ less, on a scale of 0 to 1, belong to a flat area."""

SHOWN = range(2, 98, 8)
"""Held-out pictures on the sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruction:
    """How well an autoencoder gives back held-out pictures, and what it costs; pixels on a scale of 0 to 1."""

    decibels: float
    """Mean over pictures of the peak signal-to-noise ratio."""
    edges: float
    """Mean absolute error of the difference of neighbouring pixels, where the picture is not flat."""
    flat: float
    """Mean absolute difference of neighbouring pixels where the picture has none: blotches and patterns."""
    encoding: float
    """Processor seconds a picture, on one thread."""
    decoding: float
    """The same, for the way back."""


@torch.no_grad()
def restored(vae: Vae, pictures: Tensor, batch: int = 16) -> Tensor:
    """Pictures (N, 3, H, W) in -1..1 through the mean latents and back."""
    parts = []
    for chunk in in_batches(pictures, batch):
        with autocast(chunk.device):
            parts.append(vae.decode(vae.encode(chunk).latent_dist.mode()).sample.float().clamp(-1, 1))
    return torch.cat(parts)


def compare(truth: Tensor, guess: Tensor) -> tuple[float, float, float]:
    """Decibels, error at edges and unrest in flat areas of pictures (N, 3, H, W) in -1..1."""
    error = (guess - truth) / 2
    decibels = float((-10 * error.square().mean((1, 2, 3)).clamp_min(1e-10).log10()).mean())
    edges, flat = [], []
    for side in (-1, -2):
        step, unrest = (truth / 2).diff(dim=side), error.diff(dim=side).abs()
        calm = step.abs().amax(1, keepdim=True) < FLAT
        edges.append(unrest[(~calm).expand_as(unrest)])
        flat.append(unrest[calm.expand_as(unrest)])
    return decibels, float(torch.cat(edges).mean()), float(torch.cat(flat).mean())


@torch.no_grad()
def measure(vae: Vae, pictures: Tensor) -> tuple[Reconstruction, Tensor]:
    """The numbers of one autoencoder, and its reconstructions."""
    guess = restored(vae, pictures)
    decibels, edges, flat = compare(pictures, guess)
    one = pictures[:1]
    with autocast(one.device):
        latents = vae.encode(one).latent_dist.mode()
        encoding = seconds(lambda: vae.encode(one))
        decoding = seconds(lambda: vae.decode(latents))
    return Reconstruction(decibels=decibels, edges=edges, flat=flat, encoding=encoding, decoding=decoding), guess


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """The least processor time of a few repetitions."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print the table and paint the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="diffusers folders of autoencoders")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    held = held_pictures()
    rows, labels = [held[list(SHOWN)]], ["artwork"] * len(SHOWN)
    print("| autoencoder | latents | PSNR, dB | edge error | unrest of flat areas | encode, s | decode, s |")
    print("|---|---|---|---|---|---|---|")
    for folder in options.folders:
        vae = open_vae(folder)
        shape = "x".join(str(edge) for edge in vae.encode(held[:1]).latent_dist.mode().shape[1:])
        one, guess = measure(vae, held)
        name = folder.parent.name if folder.name in ("raw", "finished") else folder.name
        print(
            f"| {name} | {shape} | {one.decibels:.2f} | {one.edges:.4f} | {one.flat:.4f} | {one.encoding:.3f} "
            f"| {one.decoding:.3f} |"
        )
        rows.append(guess[list(SHOWN)])
        labels += [f"{name} {shape}"] * len(SHOWN)
    if options.sheet is not None:
        grid(torch.cat(rows) / 2 + 0.5, labels, len(SHOWN)).save(options.sheet)


if __name__ == "__main__":
    main()
