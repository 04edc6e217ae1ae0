"""A model ready to render: the open networks, both engines, and the text encoders with their cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lora_mixer.blend import ApplyPlan, MergeEngine, Render, SideEngine, costs_of, plan_for
from lora_mixer.choices import find_upscaler
from lora_mixer.errors import RenderError
from lora_mixer.hires import HiresSettings
from lora_mixer.models import Model
from lora_mixer.pipeline.guidance import rows_at
from lora_mixer.pipeline.job import Job
from lora_mixer.pipeline.text_cache import TextCache
from lora_mixer.sampling import upscale_latents, upscale_pictures


@dataclass(slots=True, kw_only=True)
class LoadedModel:
    """A model with everything that acts on it.

    Attributes:
        model: The open model.
        merged: The engine that rewrites weights.
        side: The engine that adds branches.
        texts: What turns text into the UNet's conditioning.
        wanted: The engine to use, or `auto`.
        tiled: Whether pictures are decoded in tiles; None: where memory is short.
        threads: CPU threads that compute a render; None: as many as torch uses.
    """

    model: Model
    merged: MergeEngine
    side: SideEngine
    texts: TextCache
    wanted: str = "auto"
    tiled: bool | None = None
    threads: int | None = None

    def rest(self) -> None:
        """Take off what an interruption left of a mix, so that what comes next begins with pristine weights."""
        self.merged.rest()
        self.side.rest()

    def plan(self, jobs: Sequence[Job]) -> ApplyPlan:
        """Return which engine applies the mixes of a batch, and why."""
        settings, scale = jobs[0].settings, self.model.latent_scale
        return plan_for(
            [stack for job in jobs for stack in job.stacks],
            engine=self.wanted,
            render=Render(
                steps=settings.steps,
                rows=len(rows_at(jobs, 0)),
                height=settings.height // scale,
                width=settings.width // scale,
            ),
            costs=lambda: costs_of(self.model.device, self.model.dtype),
        )

    def tiles(self, height: int, width: int) -> bool:
        """Return whether a picture of height x width pixels is decoded in tiles."""
        return self.model.must_tile(height, width) if self.tiled is None else self.tiled

    def picture(self, latent: Tensor, *, tiled: bool | None = None) -> Image.Image:
        """Return a latent (c, h, w) as a picture.

        Args:
            latent: The latent.
            tiled: Whether it is decoded in tiles; None decides by its size.

        Raises:
            RenderError: It is not a number.
        """
        if not torch.isfinite(latent).all():
            raise RenderError(
                "the picture came out as not-a-number",
                remedy="Lower the LoRA strengths or cfg, or render in float32 (--dtype float32).",
            )
        scale = self.model.latent_scale
        in_tiles = self.tiles(latent.shape[1] * scale, latent.shape[2] * scale) if tiled is None else tiled
        return Image.fromarray(np.asarray(self.model.decode(latent.unsqueeze(0), tiled=in_tiles)[0]))

    def enlarged(self, latents: Tensor, hires: HiresSettings, *, tiled: bool) -> Tensor:
        """Return latents (n, c, h, w) at the size of the second pass, each picture by itself.

        To a scale they are stretched; a size of another shape is covered, and what stands over is cut off, as A1111
        does.
        """
        upscaler, scale = find_upscaler(hires.upscaler), self.model.latent_scale
        high, wide = hires.height // scale, hires.width // scale
        factor = max(high / latents.shape[2], wide / latents.shape[3])
        covering = round(latents.shape[2] * factor), round(latents.shape[3] * factor)
        height, width = covering if hires.scale is None else (high, wide)
        if upscaler.latent:
            large = upscale_latents(latents, upscaler, height=height, width=width)
        else:
            small = torch.cat([self.model.decode(latent.unsqueeze(0), tiled=tiled) for latent in latents])
            pictures = upscale_pictures(small, upscaler, height=height * scale, width=width * scale)
            encoded = [self.model.encode(picture.unsqueeze(0), tiled=tiled) for picture in pictures]
            large = torch.cat(encoded).to(latents.device)
        top, left = (height - high) // 2, (width - wide) // 2
        return large[:, :, top : top + high, left : left + wide]
