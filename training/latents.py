"""Draw every subject in many looks once, and encode them: the base trains on latents alone.

Also normalises the VAE: mean and scale of its latents are folded into ``quant_conv`` and ``post_quant_conv``, so that the
finished VAE's latents times 0.18215 have zero mean and unit variance in every channel.
"""

from __future__ import annotations

import argparse
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from torch import Tensor

from training.artwork import SIZE, load_emoji, load_pictures
from training.captions import Look
from training.colours import COLOURS
from training.networks import SCALING_FACTOR, Vae, open_vae
from training.paths import WORK
from training.pixels import blocks, blur, composite, in_batches, place, to_artwork
from training.precision import autocast
from training.progress import report
from training.recolour import RECOLOURS, own_colour, recolour
from training.subjects import Emoji, subject_ids
from training.vae import FOLDER as VAE_FOLDER

FOLDER = WORK / "latents"
KINDS = {"plain": 4, "backed": 8, "recoloured": 9, "recoloured backed": 6, "degraded": 3}
"""Looks drawn of every subject, by kind."""

WEIGHTS = {"plain": 0.36, "backed": 0.2, "recoloured": 0.22, "recoloured backed": 0.13, "degraded": 0.09}
"""How often training picks each kind."""

BACKGROUNDS = tuple(name for name in COLOURS if name != "white")


def load_subjects() -> list[Emoji]:
    """The emoji that the model is taught, in the order of all subject tensors."""
    emoji = load_emoji()
    return [emoji[row] for row in subject_ids(emoji)]


def subject_artwork(name: str) -> Tensor:
    """The subjects' artwork in one set: (S, 4, 128, 128)."""
    return to_artwork(torch.from_numpy(load_pictures(name)[subject_ids(load_emoji())]))


def jittered(name: str, count: int, rng: random.Random) -> Tensor:
    """(count, 3) colours near a colour word's typical value."""
    base = torch.tensor(COLOURS[name]) / 255
    spread = torch.tensor([[rng.uniform(-0.05, 0.05) for _ in range(3)] for _ in range(count)])
    return (base + spread).clamp(0, 1)


def degrade(pictures: Tensor, rng: random.Random) -> Tensor:
    """Spoil a picture in one of three ways: blurred, blocky or noisy."""
    way = rng.randrange(3)
    if way == 0:
        return blur(pictures, rng.choice((8, 12)))
    if way == 1:
        return blocks(pictures, 8)
    noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(rng.randrange(2**31)))
    return (blur(pictures, 4) + 0.16 * noise).clamp(0, 1)


def draw_looks(artwork: Tensor, kind: str, index: int, rng: random.Random) -> tuple[Tensor, list[Look]]:
    """Draw all subjects in one look of a kind: (S, 4, H, W) to pictures (S, 3, H, W) in 0..1, and their looks."""
    count = len(artwork)
    own = own_colour(artwork)
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    moved = place(artwork, generator, reach=0.03, shrink=0.06) if index else artwork
    colours, backgrounds = [""] * count, ["white"] * count
    if kind.startswith("recoloured"):
        words = [rng.choice(RECOLOURS if index else RECOLOURS[:7]) for _ in range(count)]
        if kind == "recoloured":
            words = [RECOLOURS[index % len(RECOLOURS)]] * count
        colours = words
        moved = torch.cat([recolour(one[None], word) for one, word in zip(moved, words, strict=True)])
    if kind in ("backed", "recoloured backed"):
        backgrounds = [
            rng.choice([word for word in BACKGROUNDS if word not in (colour, hue)])
            for colour, hue in zip(colours, own, strict=True)
        ]
    paper = torch.cat([jittered(word, 1, rng) if word != "white" else torch.ones(1, 3) for word in backgrounds])
    pictures = composite(moved, paper)
    if kind == "degraded":
        pictures = torch.cat([degrade(one[None], rng) for one in pictures])
    looks = [
        Look(colour=colour, own_colour="" if colour else hue, background=background, degraded=kind == "degraded")
        for colour, hue, background in zip(colours, own, backgrounds, strict=True)
    ]
    return pictures, looks


@torch.no_grad()
def encode(vae: Vae, pictures: Tensor, batch: int = 32) -> Tensor:
    """Mean latents of (N, 3, 128, 128) pictures in 0..1, unscaled: (N, C, 16, 16), on the CPU."""
    chunks, device = [], next(vae.parameters()).device
    for chunk in in_batches(pictures, batch):
        with autocast(device):
            chunks.append(vae.encode(chunk.to(device) * 2 - 1).latent_dist.mode().float().cpu())
    return torch.cat(chunks)


@torch.no_grad()
def normalise_vae(vae: Vae, mean: Tensor, deviation: Tensor) -> None:
    """Fold ``z' = (z - mean) / deviation / 0.18215`` into the VAE, and its inverse into the decoder's entrance.

    ``quant_conv`` puts out mean and log-variance, so the latter shifts by ``2 ln(1 / (deviation 0.18215))``.
    """
    scale = 1 / (deviation * SCALING_FACTOR)
    quant, post = vae.quant_conv, vae.post_quant_conv
    channels = len(mean)
    quant.weight[:channels] *= scale[:, None, None, None]
    quant.bias[:channels] = (quant.bias[:channels] - mean) * scale
    quant.bias[channels:] += 2 * scale.log()
    post.bias += post.weight[:, :, 0, 0] @ mean
    post.weight /= scale[None, :, None, None]


def make_latents(part: float = 1.0, folder: Path = FOLDER, vae_folder: Path = VAE_FOLDER) -> None:
    """Encode all looks of all subjects, or a part of them, normalise the VAE, and save both."""
    vae = open_vae(vae_folder / "raw").to(PartialState().device)
    artwork, rng = subject_artwork("noto"), random.Random(1)
    parts, rows = [], []
    for kind, count in KINDS.items():
        for index in range(max(1, round(count * part))):
            pictures, looks = draw_looks(artwork, kind, index, rng)
            parts.append(encode(vae, pictures))
            rows += [{"subject": s, "kind": kind, "look": asdict(look)} for s, look in enumerate(looks)]
        report("latents", f"{kind}: {len(rows)} pictures encoded")
    raw = torch.cat(parts)
    mean, deviation = raw.mean((0, 2, 3)), raw.transpose(0, 1).flatten(1).std(1)
    vae = vae.cpu()
    normalise_vae(vae, mean, deviation)
    vae.save_pretrained(vae_folder / "finished")
    scaled = (raw - mean[:, None, None]) / deviation[:, None, None]
    check = encode(vae, draw_looks(artwork[:8], "plain", 0, rng)[0]) * SCALING_FACTOR
    report("latents", f"normalised VAE agrees within {float((check - scaled[:8]).abs().max()):.3f}")
    folder.mkdir(parents=True, exist_ok=True)
    paper = (empty_paper(vae) * SCALING_FACTOR).bfloat16()
    torch.save({"latents": scaled.bfloat16(), "rows": rows, "paper": paper}, folder / "looks.part")
    (folder / "looks.part").replace(folder / "looks.pt")


def empty_paper(vae: Vae) -> Tensor:
    """What the middle of a white picture is encoded as: one cell (C,)."""
    return encode(vae, torch.ones(1, 3, SIZE, SIZE))[0, :, 8, 8]


def load_latents(folder: Path = FOLDER) -> tuple[Tensor, list[dict[str, Any]], Tensor]:
    """Latents (N, C, 16, 16), zero mean and unit variance; what each row shows; one cell (C,) of white paper."""
    saved = torch.load(folder / "looks.pt", weights_only=True)
    return saved["latents"].float(), saved["rows"], saved["paper"].float()


def main() -> None:
    """Encode the looks unless that is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=float, default=1.0, help="share of the looks of every kind, at least one")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--vae", type=Path, default=VAE_FOLDER, help="folder of the VAE")
    options = parser.parse_args()
    if (options.folder / "looks.pt").exists():
        report("latents", "done already")
        return
    make_latents(options.part, options.folder, options.vae)


if __name__ == "__main__":
    main()
