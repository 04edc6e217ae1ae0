"""Train ``badpic``, the negative textual-inversion embedding: four vectors to be named in the negative prompt.

They are textual inversion's vectors (Gal et al. 2022, arXiv:2208.01618) with everything else frozen, but learned where they
are used: the guided prediction ``v_neg + scale (v_pos - v_neg)`` for a clean picture and its caption shall be the picture's
own ``v``. What the vectors come to mean is whatever guidance should be steered away from.
"""

from __future__ import annotations

import argparse
import random
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextModel

from training.base import Looks, load_base, use_plain_attention
from training.captions import BAD, caption
from training.diffusion import alphas_cumprod, draw_times, noised
from training.loop import Budget, Loop, Progress, StepResult, cosine
from training.networks import MAX_TOKENS, TEXT_WIDTH
from training.paths import WORK
from training.precision import mixed_precision
from training.progress import report
from training.tokenizer import CompactTokenizer

if TYPE_CHECKING:
    from lora_mixer.libraries.classes import TextEncoder

NAME = "badpic"
VECTORS = 4
FOLDER = WORK / "embedding"
BATCH = 16
IMAGES = 3200
RATE = 0.01
SCALES = (3.0, 6.0)
"""The range of guidance scales it is learned for."""

ALONE_SHARE = 0.7
"""How often the vectors are the whole negative prompt; else the plain words stand before them."""


class Inversion(nn.Module):
    """New vectors, and text states that hold them."""

    def __init__(self, start: Tensor) -> None:
        """Start from given vectors (n, 128)."""
        super().__init__()
        self.vectors = nn.Parameter(start.clone())

    def encode(self, text: CLIPTextModel, tokenizer: CompactTokenizer, captions: list[str], length: int) -> Tensor:
        """Text states (N, length, 128) of captions followed by the new vectors: start, caption, vectors, ends."""
        ids = tokenizer(captions, length).to(self.vectors.device)
        count = len(self.vectors)
        ends = (ids == len(tokenizer) - 1).int().argmax(1).clamp(max=length - 1 - count)
        position = torch.arange(length, device=ids.device)[None, :]
        inside = (position >= ends[:, None]) & (position < ends[:, None] + count)
        ids = torch.where(position >= ends[:, None], len(tokenizer) - 1, ids)
        known = text.get_input_embeddings()(ids)
        slots = (position - ends[:, None]).clamp(0, count - 1)
        mixed = torch.where(inside[..., None], self.vectors[slots], known)
        return encode_embedded(text, ids, mixed)


def encode_embedded(text: TextEncoder, ids: Tensor, embedded: Tensor) -> Tensor:
    """Text states (N, T, 128) of given token embeddings in place of those of ``ids``."""
    table = text.get_input_embeddings()
    handle = table.register_forward_hook(lambda *_: embedded)
    try:
        states: Tensor = text(ids).last_hidden_state
    finally:
        handle.remove()
    return states


def train_embedding(images: int = IMAGES) -> Tensor:
    """Learn the vectors (4, 128)."""
    accelerator = Accelerator(mixed_precision=mixed_precision())
    text, unet, tokenizer = load_base()
    use_plain_attention(unet)
    for model in (text, unet):
        model.to(accelerator.device).requires_grad_(requires_grad=False)
    data = Looks()
    clean = [row for kind in ("plain", "backed") for row in data.rows_of[kind]]
    torch.manual_seed(0)
    with torch.no_grad():
        start = text.get_input_embeddings()(tokenizer(["low quality blurry noisy"], 8).to(accelerator.device))[
            0, 1 : 1 + VECTORS
        ]
    inversion = Inversion(start)
    alphas = alphas_cumprod().to(accelerator.device)
    optimizer = torch.optim.AdamW(inversion.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.0)
    loop = Loop(
        name="embedding",
        accelerator=accelerator,
        modules={"inversion": inversion},
        optimizer=optimizer,
        budget=Budget(images=images),
        folder=FOLDER,
        shape=cosine,
        warm_up=20,
        average_decay=0.98,
    )

    def step(_: Progress) -> StepResult:
        seed = torch.initial_seed()
        generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
        rows = [rng.choice(clean) for _ in range(BATCH)]
        named = [caption(data.subjects[int(data.subject_of[row])], data.looks[row], rng, empty=0) for row in rows]
        negative = "" if rng.random() < ALONE_SHARE else f"{', '.join(BAD)},"
        latents = data.latents[rows].to(accelerator.device)
        noise = torch.randn(latents.shape, generator=generator).to(accelerator.device)
        times = draw_times(BATCH, generator, power=1.0).to(accelerator.device)
        noisy, target = noised(latents, noise, times, alphas)
        with torch.no_grad():
            wanted = text(tokenizer(named).to(accelerator.device)).last_hidden_state
            positive = unet(noisy, times, encoder_hidden_states=wanted).sample.float()
        avoided = inversion.encode(text, tokenizer, [negative], MAX_TOKENS).expand(BATCH, -1, -1)
        base = unet(noisy, times, encoder_hidden_states=avoided).sample.float()
        guided = base + rng.uniform(*SCALES) * (positive - base)
        return StepResult(loss=(guided - target).square().mean(), images=BATCH)

    loop.run(step)
    loop.use_average()
    return inversion.vectors.detach().cpu()


def main() -> None:
    """Train the embedding unless its file is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    target = FOLDER / f"{NAME}.safetensors"
    if target.exists():
        report("embedding", "done already")
        return
    vectors = train_embedding(options.images)
    if vectors.shape != (VECTORS, TEXT_WIDTH):
        raise ValueError(f"the embedding has shape {tuple(vectors.shape)}")
    save_file(
        {"emb_params": vectors.half().contiguous()},
        target,
        {"name": NAME, "trained_on": "guided predictions of clean pictures"},
    )
    report("embedding", f"saved, {VECTORS} vectors")


if __name__ == "__main__":
    main()
