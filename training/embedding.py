"""Train ``badpic``, the negative textual-inversion embedding: four vectors that mean "a spoiled picture".

The vectors are learned on degraded pictures with captions that hold them, everything else frozen (Gal et al. 2022,
arXiv:2208.01618). Named in a negative prompt, they steer guidance away from blur, blocks and noise.
"""

from __future__ import annotations

import argparse
import random

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextModel

from training.base import SHORT_LENGTH, Looks, load_base, use_plain_attention
from training.captions import names_of
from training.diffusion import alphas_cumprod, draw_times, noised
from training.loop import Budget, Loop, Progress, StepResult, cosine
from training.networks import TEXT_WIDTH
from training.paths import WORK
from training.progress import report
from training.tokenizer import CompactTokenizer

NAME = "badpic"
VECTORS = 4
FOLDER = WORK / "embedding"
BATCH = 16
IMAGES = 1600
RATE = 0.02


class Inversion(nn.Module):
    """New vectors, and text states that hold them."""

    def __init__(self, start: Tensor) -> None:
        """Start from given vectors (n, 128)."""
        super().__init__()
        self.vectors = nn.Parameter(start.clone())

    def encode(self, text: CLIPTextModel, tokenizer: CompactTokenizer, captions: list[str], length: int) -> Tensor:
        """Text states (N, length, 128) of captions followed by the new vectors: start, caption, vectors, ends."""
        ids = tokenizer(captions, length)
        count = len(self.vectors)
        ends = (ids == len(tokenizer) - 1).int().argmax(1).clamp(max=length - 1 - count)
        position = torch.arange(length)[None, :]
        inside = (position >= ends[:, None]) & (position < ends[:, None] + count)
        ids = torch.where(position >= ends[:, None], len(tokenizer) - 1, ids)
        known = text.get_input_embeddings()(ids)
        slots = (position - ends[:, None]).clamp(0, count - 1)
        mixed = torch.where(inside[..., None], self.vectors[slots], known)
        return encode_embedded(text, ids, mixed)


def encode_embedded(text: CLIPTextModel, ids: Tensor, embedded: Tensor) -> Tensor:
    """Text states (N, T, 128) of given token embeddings in place of those of ``ids``."""
    table = text.get_input_embeddings()
    handle = table.register_forward_hook(lambda *_: embedded)
    try:
        states: Tensor = text(ids).last_hidden_state
    finally:
        handle.remove()
    return states


def train_embedding() -> Tensor:
    """Learn the vectors (4, 128)."""
    accelerator = Accelerator(mixed_precision="bf16")
    text, unet, tokenizer = load_base()
    use_plain_attention(unet)
    for model in (text, unet):
        model.requires_grad_(requires_grad=False)
    data = Looks()
    bad = data.rows_of["degraded"]
    torch.manual_seed(0)
    with torch.no_grad():
        start = text.get_input_embeddings()(tokenizer(["low quality blurry noisy"], 8))[0, 1 : 1 + VECTORS]
    inversion = Inversion(start)
    alphas = alphas_cumprod()
    optimizer = torch.optim.AdamW(inversion.parameters(), lr=RATE, betas=(0.9, 0.99), weight_decay=0.0)
    loop = Loop(
        name="embedding",
        accelerator=accelerator,
        modules={"inversion": inversion},
        optimizer=optimizer,
        budget=Budget(images=IMAGES),
        folder=FOLDER,
        shape=cosine,
        warm_up=20,
        average_decay=0.98,
    )

    def step(_: Progress) -> StepResult:
        seed = torch.initial_seed()
        generator, rng = torch.Generator().manual_seed(seed), random.Random(seed)
        rows = [rng.choice(bad) for _ in range(BATCH)]
        named = [names_of(data.subjects[int(data.subject_of[row])])[0] + "," for row in rows]
        captions = [words if rng.random() < 0.5 else "" for words in named]
        latents = data.latents[rows]
        noise = torch.randn(latents.shape, generator=generator)
        times = draw_times(BATCH, generator, power=1.0)
        noisy, target = noised(latents, noise, times, alphas)
        hidden = inversion.encode(text, tokenizer, captions, SHORT_LENGTH)
        guess = unet(noisy, times, encoder_hidden_states=hidden).sample.float()
        return StepResult(loss=(guess - target).square().mean(), images=BATCH)

    loop.run(step)
    loop.use_average()
    return inversion.vectors.detach()


def main() -> None:
    """Train the embedding unless its file is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    target = FOLDER / f"{NAME}.safetensors"
    if target.exists():
        report("embedding", "done already")
        return
    vectors = train_embedding()
    if vectors.shape != (VECTORS, TEXT_WIDTH):
        raise ValueError(f"the embedding has shape {tuple(vectors.shape)}")
    save_file({"emb_params": vectors.half().contiguous()}, target, {"name": NAME, "trained_on": "degraded looks"})
    report("embedding", f"saved, {VECTORS} vectors")


if __name__ == "__main__":
    main()
