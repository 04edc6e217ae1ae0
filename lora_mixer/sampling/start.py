"""Starts other than noise: pictures, and the parts of them to keep (inpainting)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from lora_mixer.choices import LATENT_NOISE, LATENT_NOTHING, ORIGINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureStart:
    """Pictures that noise is added to.

    Attributes:
        pictures: Their latents (n, c, h, w), on the device to sample on.
        steps: How many steps the whole course from noise alone would have; the last ones of it are taken.
        redrawn: 1 in the cells that are drawn anew and 0 in those that are kept, (n, 1, h, w); None: all are drawn.
        content: What lies in the cells that are drawn before noise is put on it, one of `MASKED_CONTENTS`; `fill` is done
            to pixels, and here is as `original`.
        keeps: The sampler puts back what is kept after every step; not so where the model is told the mask itself.
        anew: Start from noise alone, as diffusers does it where all of what is masked is drawn.
    """

    pictures: Tensor
    steps: int
    redrawn: Tensor | None = None
    content: str = ORIGINAL
    keeps: bool = True
    anew: bool = False

    def under(self, noise: Tensor) -> Tensor:
        """Return the latents that noise (n, c, h, w) is put on: what is drawn is replaced first, if it shall be."""
        pictures = self.pictures.float()
        if self.redrawn is None or self.content not in {LATENT_NOISE, LATENT_NOTHING}:
            return pictures
        kept = pictures * (1 - self.redrawn)
        return kept + noise * self.redrawn if self.content == LATENT_NOISE else kept

    def keep(self, latents: Tensor, kept: Tensor | None = None) -> Tensor:
        """Return latents with what is kept put back into them.

        Args:
            latents: What was drawn, (n, c, h, w).
            kept: What is kept as it is at the noise level of the latents; None: the pictures themselves.
        """
        if self.redrawn is None or not self.keeps:
            return latents
        kept = self.pictures.float() if kept is None else kept
        return self.redrawn * latents + (1 - self.redrawn) * kept
