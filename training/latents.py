"""Draw every subject in many looks once, and encode them: the base trains on latents alone.

Also normalises the VAE: mean and scale of its latents are folded into ``quant_conv`` and ``post_quant_conv``, so that the
finished VAE's latents times 0.18215 have zero mean and unit variance over all channels. The channels among themselves are as
wide as pixels hang on them, to a power: the last of sixteen channels of equal width would weigh in the base's loss as much as
the first, and change a picture by a thirtieth of it. So the base learns what matters first, and noise drowns detail first.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState  # type: ignore[import-untyped]
from numpy.typing import NDArray
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

BALANCE = 0.5
"""The power: 0 would make all channels equally wide, 1 as wide as their effect on pixels."""

CHUNK = 1024
"""Pictures held in memory at a time."""

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


def draw_all(part: float = 1.0, folder: Path = FOLDER) -> tuple[NDArray[np.uint8], list[dict[str, Any]]]:
    """All looks of all subjects, or a part of them: (N, 3, 128, 128) and what each shows; drawn once and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "rows.json").exists():
        artwork, rng = subject_artwork("noto"), random.Random(1)
        counts = {kind: max(1, round(count * part)) for kind, count in KINDS.items()}
        shape = (len(artwork) * sum(counts.values()), 3, SIZE, SIZE)
        kept = np.lib.format.open_memmap(folder / "pictures.npy", mode="w+", dtype=np.uint8, shape=shape)
        rows: list[dict[str, Any]] = []
        for kind, count in counts.items():
            for index in range(count):
                pictures, looks = draw_looks(artwork, kind, index, rng)
                kept[len(rows) : len(rows) + len(artwork)] = (pictures * 255).round().to(torch.uint8).numpy()
                rows += [{"subject": s, "kind": kind, "look": asdict(look)} for s, look in enumerate(looks)]
            report("latents", f"{kind}: {len(rows)} pictures drawn")
        kept.flush()
        (folder / "rows.part").write_text(json.dumps(rows))
        (folder / "rows.part").replace(folder / "rows.json")
    return np.load(folder / "pictures.npy", mmap_mode="r"), json.loads((folder / "rows.json").read_text())


def make_latents(part: float = 1.0, folder: Path = FOLDER, vae_folder: Path = VAE_FOLDER) -> None:
    """Encode all looks of all subjects, or a part of them, normalise the VAE, and save both."""
    vae = open_vae(vae_folder / "raw").to(PartialState().device)
    drawn, rows = draw_all(part, folder)
    parts = []
    for start in range(0, len(drawn), CHUNK):
        parts.append(encode(vae, torch.from_numpy(np.array(drawn[start : start + CHUNK])).float() / 255))
        report("latents", f"{min(start + CHUNK, len(drawn))} of {len(drawn)} pictures encoded")
    raw = torch.cat(parts)
    mean, deviation = raw.mean((0, 2, 3)), raw.transpose(0, 1).flatten(1).std(1)
    vae = vae.cpu()
    deviation = deviation / widths(effects(vae, raw[:: max(1, len(raw) // 32)]))
    normalise_vae(vae, mean, deviation)
    vae.save_pretrained(vae_folder / "finished")
    scaled = (raw - mean[:, None, None]) / deviation[:, None, None]
    check = encode(vae, torch.from_numpy(np.array(drawn[:8])).float() / 255) * SCALING_FACTOR
    report("latents", f"normalised VAE agrees within {float((check - scaled[:8]).abs().max()):.3f}")
    paper = (empty_paper(vae) * SCALING_FACTOR).bfloat16()
    torch.save({"latents": scaled.bfloat16(), "rows": rows, "paper": paper}, folder / "looks.part")
    (folder / "looks.part").replace(folder / "looks.pt")


@torch.no_grad()
def effects(vae: Vae, latents: Tensor) -> Tensor:
    """How much pixels change, root mean square, where one channel of latents (N, C, H, W) says nothing: (C,)."""
    whole, found = vae.decode(latents).sample, []
    for channel in range(latents.shape[1]):
        silent = latents.clone()
        silent[:, channel] = latents[:, channel].mean()
        found.append((vae.decode(silent).sample - whole).square().mean().sqrt())
    return torch.stack(found)


def widths(effect: Tensor, balance: float = BALANCE) -> Tensor:
    """Deviations of channels (C,) with such effects: their power, with a mean square of 1."""
    raised = effect**balance
    return raised / raised.square().mean().sqrt()


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
    parser.add_argument("--draw", action="store_true", help="draw the looks, and encode nothing yet")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--vae", type=Path, default=VAE_FOLDER, help="folder of the VAE")
    options = parser.parse_args()
    if (options.folder / "looks.pt").exists():
        report("latents", "done already")
        return
    if options.draw:
        draw_all(options.part, options.folder)
        return
    make_latents(options.part, options.folder, options.vae)


if __name__ == "__main__":
    main()
