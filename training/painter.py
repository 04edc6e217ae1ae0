"""Make pictures with the trained parts: what previews, contact sheets and the evaluation have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import CLIPTokenizer

from lora_mixer.libraries.classes import TextEncoder
from lora_mixer.models import Model, open_model
from lora_mixer.request import ModelSource
from training.diffusion import EDGE, decode, sample
from training.networks import MAX_TOKENS, Unet, Vae
from training.paths import DATA

NEGATIVE = ""
"""The negative prompt that all measurements use unless they measure the negative prompt."""

BATCH = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Painter:
    """The model's parts, as they are called here."""

    tokenizer: CLIPTokenizer
    text: TextEncoder
    unet: Unet
    vae: Vae

    def states(self, prompts: list[str]) -> Tensor:
        """Text states (N, 77, 128) of prompts."""
        ids = self.tokenizer(
            prompts, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )["input_ids"]
        with torch.no_grad():
            states: Tensor = self.text(ids).last_hidden_state
        return states

    def paint(
        self,
        prompts: list[str],
        *,
        seeds: list[int] | None = None,
        negative: str | Tensor = NEGATIVE,
        steps: int = 20,
        scale: float = 3.5,
        size: tuple[int, int] = (EDGE, EDGE),
        leaps: bool = False,
    ) -> Tensor:
        """Pictures (N, 3, H, W) in 0..1, one a prompt, of a size in latent cells; seeds count up from 0 unless given.

        With ``leaps`` they are sampled as a consistency model is, without guidance. ``negative`` is one prompt, or text states: (1, 77, 128) for all pictures or one row a picture.
        """
        numbers = seeds if seeds is not None else list(range(len(prompts)))
        avoided = self.states([negative]) if isinstance(negative, str) else negative
        parts = []
        for start in range(0, len(prompts), BATCH):
            states = self.states(prompts[start : start + BATCH])
            latents = sample(
                self.unet,
                states,
                _part(avoided, start),
                seeds=numbers[start : start + BATCH],
                steps=steps,
                scale=scale,
                size=size,
                leaps=leaps,
            )
            parts.append(decode(self.vae, latents))
        return torch.cat(parts)


def _part(states: Tensor, start: int) -> Tensor:
    return states if len(states) == 1 else states[start : start + BATCH]


def open_emoji(folder: Path = DATA / "model") -> Model:
    """Open the packaged model, or one that is made, in float32."""
    return open_model(ModelSource(name="emoji", location=str(folder)), device="cpu", dtype="float32")


def painter_of(model: Model) -> Painter:
    """Paint with an open model."""
    painter = Painter(
        tokenizer=model.tokenizers["te1"], text=model.text_encoders["te1"], unet=model.parts["denoiser"], vae=model.vae
    )
    for network in (painter.text, painter.unet, painter.vae):
        network.requires_grad_(requires_grad=False)
    return painter


def open_painter() -> Painter:
    """Open the packaged model to paint with."""
    return painter_of(open_emoji())
