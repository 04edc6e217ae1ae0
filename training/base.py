"""Train the base: text encoder and UNet on the encoded looks, v-prediction, with an auxiliary loss on the text.

The auxiliary loss makes words mean something early: from the state at the end-of-text token, one linear layer guesses
which emoji the caption names and another draws an 8x8 thumbnail of the exact look's latent. Both heads are thrown away.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from transformers import CLIPTextModel

from training.captions import Look, all_strings, caption
from training.diffusion import alphas_cumprod, draw_times, noised
from training.latents import WEIGHTS, load_latents, load_subjects
from training.loop import Budget, Loop, Progress, StepResult, flat_then_linear
from training.networks import MAX_TOKENS, TEXT_WIDTH, Unet, make_text_encoder, make_unet
from training.paths import WORK
from training.precision import mixed_precision
from training.progress import report
from training.tokenizer import CompactTokenizer

FOLDER = WORK / "base"
EXTRA_CAPTIONS = 3
"""Captions for the auxiliary loss, as a multiple of the batch, while words are learned."""
WORDS_SHARE = 0.2
"""Share of the budget after which words are known, and as many extra captions as pictures are enough."""
SHORT_LENGTH = 32
SHORT_SHARE = 0.75
PEAK_RATE = 8e-4
WORD_WEIGHT, THUMBNAIL_WEIGHT = 0.05, 0.3


class TextHeads(nn.Module):
    """The two auxiliary heads on the end-of-text state."""

    def __init__(self, subjects: int) -> None:
        """Make a classifier over subjects and a drawer of (4, 8, 8) thumbnails."""
        super().__init__()
        self.subject = nn.Linear(TEXT_WIDTH, subjects)
        self.thumbnail = nn.Linear(TEXT_WIDTH, 4 * 8 * 8)

    def loss(self, states: Tensor, subjects: Tensor, latents: Tensor) -> tuple[Tensor, float]:
        """The weighted auxiliary loss, and the accuracy of the classifier; states are (N, 128)."""
        guesses = self.subject(states).float()
        small = F.avg_pool2d(latents, 2).flatten(1)
        drawn = F.mse_loss(self.thumbnail(states).float(), small)
        loss = WORD_WEIGHT * F.cross_entropy(guesses, subjects) + THUMBNAIL_WEIGHT * drawn
        return loss, float((guesses.argmax(1) == subjects).float().mean())


class Looks:
    """Draws training rows with captions."""

    def __init__(self) -> None:
        """Load the latents and group their rows by kind."""
        self.subjects = load_subjects()
        self.latents, rows = load_latents()
        self.subject_of = torch.tensor([row["subject"] for row in rows])
        self.looks = [Look(**row["look"]) for row in rows]
        self.rows_of = {kind: [i for i, row in enumerate(rows) if row["kind"] == kind] for kind in WEIGHTS}

    def draw(self, count: int, rng: random.Random, *, empty: float = 0.1) -> tuple[Tensor, list[str]]:
        """Return row numbers (count,) and a caption for each."""
        kinds = rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
        rows = [rng.choice(self.rows_of[kind]) for kind in kinds]
        captions = [
            caption(self.subjects[int(self.subject_of[row])], self.looks[row], rng, empty=empty) for row in rows
        ]
        return torch.tensor(rows), captions


def end_states(hidden: Tensor, ids: Tensor, end: int) -> Tensor:
    """The state at each caption's first end-of-text token: (N, T, W) to (N, W)."""
    where = (ids == end).int().argmax(1)
    return hidden[torch.arange(len(ids)), where]


def use_plain_attention(unet: Unet) -> None:
    """Train with bmm attention: on CPUs the fused kernel's backward pass costs a third of the step in bfloat16."""
    unet.set_attn_processor(AttnProcessor())


def make_loop(budget: Budget, batch: int, folder: Path) -> tuple[Loop, Any]:
    """Build networks, optimizer and the step function of the base run."""
    accelerator = Accelerator(mixed_precision=mixed_precision())
    data = Looks()
    tokenizer = CompactTokenizer(all_strings(data.subjects))
    end = len(tokenizer) - 1
    torch.manual_seed(0)
    text, unet, heads = make_text_encoder(len(tokenizer)), make_unet(), TextHeads(len(data.subjects))
    use_plain_attention(unet)
    unet = unet.to(memory_format=torch.channels_last)
    modules: dict[str, nn.Module] = {"unet": unet, "text": text, "heads": heads}
    for module in modules.values():
        module.to(accelerator.device).train()
    parameters = [p for module in modules.values() for p in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=PEAK_RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
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
        report_every=100,
    )

    def step(progress: Progress) -> StepResult:
        seed = torch.initial_seed()
        generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
        rows, captions = data.draw(batch, rng)
        extra = EXTRA_CAPTIONS if budget.fraction(progress) < WORDS_SHARE else 1
        extra_rows, extra_captions = data.draw(extra * batch, rng, empty=0)
        length = SHORT_LENGTH if rng.random() < SHORT_SHARE else MAX_TOKENS
        hidden = text(tokenizer(captions, length).to(accelerator.device)).last_hidden_state
        latents = data.latents[rows].to(accelerator.device)
        times = draw_times(batch, generator).to(accelerator.device)
        noise = torch.randn(latents.shape, generator=generator).to(accelerator.device)
        noisy, target = noised(latents, noise, times, alphas)
        noisy = noisy.contiguous(memory_format=torch.channels_last)
        guess = unet(noisy, times, encoder_hidden_states=hidden).sample.float()
        error = (guess - target).square().mean((1, 2, 3))
        ids = tokenizer(extra_captions, SHORT_LENGTH).to(accelerator.device)
        states = end_states(text(ids).last_hidden_state, ids, end)
        words, accuracy = heads.loss(
            states, data.subject_of[extra_rows].to(accelerator.device), data.latents[extra_rows].to(accelerator.device)
        )
        quarter = batch // 4
        logs = {"v_low": float(error[:quarter].mean().detach()), "v_high": float(error[-quarter:].mean().detach())}
        return StepResult(
            loss=error.mean() + words, images=batch, logs={"v": float(error.mean().detach()), **logs, "words": accuracy}
        )

    return loop, step


def load_base(folder: Path = FOLDER) -> tuple[CLIPTextModel, Unet, CompactTokenizer]:
    """The averaged text encoder and UNet of the last checkpoint, and their tokenizer, ready for inference."""
    tokenizer = CompactTokenizer(all_strings(load_subjects()))
    text, unet = make_text_encoder(len(tokenizer)), make_unet()
    average = torch.load(folder / "checkpoint.pt", weights_only=True)["average"]
    text.load_state_dict(average["text"], strict=False)
    unet.load_state_dict(average["unet"])
    return text.train(mode=False), unet.eval(), tokenizer


def main() -> None:
    """Train the base to the end of its budget, or go on with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=70)
    parser.add_argument("--images", type=int)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if (FOLDER / "done").exists():
        report("base", "done already")
        return
    loop, step = make_loop(Budget(minutes=options.minutes, images=options.images), options.batch, FOLDER)
    loop.run(step)
    (FOLDER / "done").touch()


if __name__ == "__main__":
    main()
