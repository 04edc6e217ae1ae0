"""Train the base: text encoder and UNet on the encoded looks, v-prediction, with an auxiliary loss on the text.

The auxiliary loss makes words mean something early: from the state at the end-of-text token, one linear layer guesses
which emoji the caption names and another draws an 8x8 thumbnail of the exact look's latent. Captions of two subjects have
such heads for the left and for the right one: without them the second noun stays a blur for 100,000 pictures. All heads are
thrown away.
"""

from __future__ import annotations

import argparse
import random
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import CLIPTextModel

from training.canvases import PAIR_SHARE, SIZES, on_paper, pair_caption, side_by_side
from training.captions import Look, all_strings, caption, named
from training.diffusion import alphas_cumprod, draw_times, noised
from training.latents import FOLDER as LATENTS_FOLDER
from training.latents import WEIGHTS, draw_all, encode, load_latents, load_subjects
from training.loop import Budget, Loop, Progress, StepResult, flat_then_linear
from training.networks import (
    MAX_TOKENS,
    SCALING_FACTOR,
    TEXT_WIDTH,
    Unet,
    make_text_encoder,
    make_unet,
    open_unet,
    open_vae,
    shaped_unet,
)
from training.paths import WORK
from training.precision import mixed_precision
from training.progress import report
from training.tokenizer import CompactTokenizer
from training.transplant import transplant

FOLDER = WORK / "base"
EXTRA_CAPTIONS = 3
"""Captions for the auxiliary loss, as a multiple of the batch, while words are learned."""
WORDS_IMAGES = 28_000
"""Pictures after which words are known: from there on as many extra captions as pictures are enough."""
ROWS = "token_embedding.weight"
SHORT_LENGTH = 32
SHORT_SHARE = 0.75
PEAK_RATE, RATE_AGAIN = 8e-4, 6e-4
"""The highest learning rate, of new networks and of trained ones."""
GOES_ON = "goes-on-with.txt"
"""Beside the checkpoint: the folder of the model that the run went on with, empty for new networks."""
ALIKE = 1128
"""Pictures by which two VAEs are compared."""
CANVAS_SHARE = 0.3
"""Share of batches, once words are known, that are pictures of other sizes than square."""
HARD_COLOURS = {"red": 3.0, "orange": 2.0, "brown": 5.0}
"""Colour words taken for each other, and how much more often they are shown than others."""
WORD_WEIGHT, THUMBNAIL_WEIGHT = 0.05, 0.3
SIDES = ("alone", "left", "right")
"""Where a subject stands that the text is asked for."""


class TextHeads(nn.Module):
    """The two auxiliary heads on the end-of-text state."""

    def __init__(self, subjects: int, channels: int) -> None:
        """Make a classifier over subjects and a drawer of (channels, 8, 8) thumbnails."""
        super().__init__()
        self.subject = nn.Linear(TEXT_WIDTH, subjects)
        self.thumbnail = nn.Linear(TEXT_WIDTH, channels * 8 * 8)

    def forward(self, states: Tensor, subjects: Tensor, latents: Tensor) -> tuple[Tensor, float]:
        """The weighted auxiliary loss, and the accuracy of the classifier; states are (N, 128)."""
        guesses = self.subject(states).float()
        small = F.avg_pool2d(latents, 2).flatten(1)
        drawn = F.mse_loss(self.thumbnail(states).float(), small)
        loss = WORD_WEIGHT * F.cross_entropy(guesses, subjects) + THUMBNAIL_WEIGHT * drawn
        return loss, float((guesses.argmax(1) == subjects).float().mean())


class Looks:
    """Draws training rows with captions, and canvases made of them."""

    def __init__(self, folder: Path = LATENTS_FOLDER) -> None:
        """Load the latents and group their rows by kind."""
        self.subjects = load_subjects()
        self.latents, rows, self.paper = load_latents(folder)
        self.subject_of = torch.tensor([row["subject"] for row in rows])
        self.looks = [Look(**row["look"]) for row in rows]
        self.rows_of = {kind: [i for i, row in enumerate(rows) if row["kind"] == kind] for kind in WEIGHTS}
        self.odds_of = {
            kind: list(accumulate(HARD_COLOURS.get(self.looks[row].colour, 1.0) for row in kept))
            for kind, kept in self.rows_of.items()
        }

    def draw(self, count: int, rng: random.Random, *, empty: float = 0.1) -> tuple[Tensor, list[str]]:
        """Return row numbers (count,) and a caption for each."""
        kinds = rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
        rows = [rng.choices(self.rows_of[kind], cum_weights=self.odds_of[kind])[0] for kind in kinds]
        captions = [
            caption(self.subjects[int(self.subject_of[row])], self.looks[row], rng, empty=empty) for row in rows
        ]
        return torch.tensor(rows), captions

    def truth(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Subjects (N,) and latents (N, C, H, W) of rows: what a caption's state shall tell."""
        return self.subject_of[rows].to(device), self.latents[rows].to(device)

    def draw_pairs(self, count: int, rng: random.Random, *, empty: float = 0.1) -> tuple[Tensor, list[str]]:
        """Return row numbers (count, 2) of a left and a right subject, and a caption for each pair."""
        pairs = [
            [rng.choice(self.rows_of[rng.choice(("plain", "recoloured"))]) for _ in ("left", "right")]
            for _ in range(count)
        ]
        names = [[named(self.subjects[int(self.subject_of[row])], self.looks[row]) for row in pair] for pair in pairs]
        captions = ["" if rng.random() < empty else pair_caption(left, right, rng) for left, right in names]
        return torch.tensor(pairs), captions

    def draw_canvases(self, count: int, rng: random.Random, *, empty: float = 0.1) -> tuple[Tensor, list[str]]:
        """Return latents (count, C, H, W) of a size other than square, all the same, and a caption for each."""
        if rng.random() < PAIR_SHARE:
            pairs, captions = self.draw_pairs(count, rng, empty=empty)
            return torch.stack([side_by_side(*self.latents[pair]) for pair in pairs]), captions
        size = rng.choice(SIZES)
        kinds = rng.choices(("plain", "recoloured"), k=count)
        rows = [rng.choice(self.rows_of[kind]) for kind in kinds]
        latents = [on_paper(self.latents[row], self.paper, size, rng) for row in rows]
        captions = [
            caption(self.subjects[int(self.subject_of[row])], self.looks[row], rng, empty=empty) for row in rows
        ]
        return torch.stack(latents), captions


def end_states(hidden: Tensor, ids: Tensor, end: int) -> Tensor:
    """The state at each caption's first end-of-text token: (N, T, W) to (N, W)."""
    where = (ids == end).int().argmax(1)
    return hidden[torch.arange(len(ids), device=ids.device), where]


def use_plain_attention(unet: Unet) -> None:
    """Train with bmm attention: on CPUs the fused kernel's backward pass costs a third of the step in bfloat16."""
    unet.set_attn_processor(AttnProcessor())


def begin(tokenizer: CompactTokenizer, latents: Path, channels: int, start: Path | None) -> tuple[CLIPTextModel, Unet]:
    """New networks, or those of a diffusers folder: a text encoder on the compact numbering, and a UNet.

    A UNet on other latents than those in the folder gets new ends.
    """
    torch.manual_seed(0)
    text = make_text_encoder(len(tokenizer))
    if start is None:
        return text, make_unet(channels)
    known = CLIPTextModel.from_pretrained(start / "text_encoder", dtype=torch.float32).state_dict()
    rows = next(key for key in known if key.endswith(ROWS))
    text.load_state_dict(known | {rows: known[rows][tokenizer.kept]})
    unet = open_unet(start / "unet")
    if unet.config.in_channels != channels:
        drawn, _ = draw_all(folder=latents)
        old = encode(open_vae(start / "vae"), torch.from_numpy(np.array(drawn[:ALIKE])).float() / 255) * SCALING_FACTOR
        unet = transplant(unet, old, load_latents(latents)[0][:ALIKE])
    return text, unet


def make_loop(
    budget: Budget, batch: int, folder: Path, latents: Path = LATENTS_FOLDER, start: Path | None = None
) -> tuple[Loop, Any]:
    """Build networks, optimizer and the step function of the base run."""
    accelerator = Accelerator(mixed_precision=mixed_precision())
    data = Looks(latents)
    channels = data.latents.shape[1]
    tokenizer = CompactTokenizer(all_strings(data.subjects))
    end = len(tokenizer) - 1
    if (folder / "checkpoint.pt").exists():
        text, unet = make_text_encoder(len(tokenizer)), shaped_unet(folder)
    else:
        text, unet = begin(tokenizer, latents, channels, start)
        unet.save_config(folder)
        (folder / GOES_ON).write_text(f"{start or ''}\n")
    trained = bool((folder / GOES_ON).read_text().strip())
    heads = nn.ModuleDict({side: TextHeads(len(data.subjects), channels) for side in SIDES})
    use_plain_attention(unet)
    unet = unet.to(memory_format=torch.channels_last)
    modules: dict[str, nn.Module] = {"unet": unet, "text": text, "heads": heads}
    for module in modules.values():
        module.to(accelerator.device).train()
    parameters = [p for module in modules.values() for p in module.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, lr=RATE_AGAIN if trained else PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True
    )
    alphas = alphas_cumprod().to(accelerator.device)
    loop = Loop(
        name="base",
        accelerator=accelerator,
        modules=modules,
        optimizer=optimizer,
        budget=budget,
        folder=folder,
        shape=flat_then_linear,
        warm_up=300,
        average_decay=0.9985,
        report_every=50,
    )

    def step(progress: Progress) -> StepResult:
        seed = torch.initial_seed()
        generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
        learning_words = not trained and progress.images < WORDS_IMAGES
        if not learning_words and rng.random() < CANVAS_SHARE:
            latents, captions = data.draw_canvases(batch // 2, rng)
        else:
            rows, captions = data.draw(batch, rng)
            latents = data.latents[rows]
        extra = EXTRA_CAPTIONS if learning_words else 1
        extra_rows, extra_captions = data.draw(extra * batch, rng, empty=0)
        length = SHORT_LENGTH if rng.random() < SHORT_SHARE else MAX_TOKENS
        hidden = text(tokenizer(captions, length).to(accelerator.device)).last_hidden_state
        latents = latents.to(accelerator.device)
        times = draw_times(len(latents), generator).to(accelerator.device)
        noise = torch.randn(latents.shape, generator=generator).to(accelerator.device)
        noisy, target = noised(latents, noise, times, alphas)
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        guess = unet(noisy, times, encoder_hidden_states=hidden).sample.float()
        error = (guess - target).square().mean((1, 2, 3))
        pairs, pair_captions = data.draw_pairs(batch, rng, empty=0)
        ids = tokenizer([*extra_captions, *pair_captions], SHORT_LENGTH).to(accelerator.device)
        states = end_states(text(ids).last_hidden_state, ids, end)
        alone, both = states[:-batch], states[-batch:]
        asked = zip(SIDES, (alone, both, both), (extra_rows, *pairs.T), strict=True)
        words = [heads[side](told, *data.truth(rows, accelerator.device)) for side, told, rows in asked]
        quarter = len(latents) // 4
        logs = {"v_low": float(error[:quarter].mean().detach()), "v_high": float(error[-quarter:].mean().detach())}
        return StepResult(
            loss=error.mean() + sum(loss for loss, _ in words),
            images=len(latents),
            logs={
                "v": float(error.mean().detach()),
                **logs,
                **dict(zip(SIDES, (right for _, right in words), strict=True)),
            },
        )

    return loop, step


def load_base(folder: Path = FOLDER) -> tuple[CLIPTextModel, Unet, CompactTokenizer]:
    """The averaged text encoder and UNet of the last checkpoint, and their tokenizer, ready for inference."""
    tokenizer = CompactTokenizer(all_strings(load_subjects()))
    average = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)["average"]
    text, unet = make_text_encoder(len(tokenizer)), shaped_unet(folder)
    text.load_state_dict(average["text"], strict=False)
    unet.load_state_dict(average["unet"])
    return text.train(mode=False), unet.eval(), tokenizer


def main() -> None:
    """Train the base to the end of its budget, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=70)
    parser.add_argument("--images", type=int)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--start", type=Path, help="diffusers folder of a model to go on with, as the shipped one")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--latents", type=Path, default=LATENTS_FOLDER, help="folder of the encoded looks")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if (options.folder / "done").exists():
        report("base", "done already")
        return
    budget = Budget(minutes=options.minutes, images=options.images)
    loop, step = make_loop(budget, options.batch, options.folder, options.latents, options.start)
    loop.run(step)
    (options.folder / "done").touch()


if __name__ == "__main__":
    main()
